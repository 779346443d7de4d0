/** A cap on the whole image that is far above what is there, and the lower one that would still leave room. In bytes. */
export type Ratchet = { budget: 'max-size' | 'max-download-size'; limit: number; proposed: number }
