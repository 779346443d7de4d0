/** Reads a file's payload while it passes by; of what it keeps, only little, and bounded. */
export type FileReader<Fact> = {
  /** Takes the next bytes, valid during the call only. */
  push: (chunk: Uint8Array) => void
  /** What they told, or null: nothing, or not in a form that is known. Never throws. */
  end: () => Fact | null
}

/** The reader for a regular file of this path (no leading `/`) and size in bytes, or null: the file tells nothing of this kind. */
export type OpenReader<Fact> = (path: string, size: number) => FileReader<Fact> | null

/**
 * A reader that keeps the whole payload, of files up to `limit` bytes, and has `parse` tell what it means. What `parse` throws is taken
 * for bad data: no fact.
 */
export function gathering<Fact>(
  size: number,
  limit: number,
  parse: (payload: Buffer) => Fact | null,
): FileReader<Fact> | null {
  if (size > limit) return null
  const parts: Buffer[] = []
  return {
    push: (chunk) => void parts.push(Buffer.from(chunk)),
    end: () => {
      try {
        return parse(Buffer.concat(parts))
      } catch {
        return null
      }
    },
  }
}
