/** Reads a file's payload while it passes by; of what it keeps, only little, and bounded. */
export type FileReader<Fact> = {
  /** Takes the next bytes, valid during the call only. */
  push: (chunk: Uint8Array) => void
  /** What they told, or null: nothing, or not in a form that is known. Never throws. */
  end: () => Fact | null
  /** Bytes that its fact keeps, at most, known when it has ended; where it is not given, some hundred. */
  keeps?: number
}

/** The reader for a regular file of this path (no leading `/`) and size in bytes, or null: the file tells nothing of this kind. */
export type OpenReader<Fact> = (path: string, size: number) => FileReader<Fact> | null

/** Longest record of a package manager that is read, in bytes; of the images that were looked at the longest has a tenth of it. */
export const MAX_RECORD = 16 * 1024 * 1024

/**
 * A reader that keeps the whole payload, of files up to `limit` bytes, and has `parse` tell what it means. What `parse` throws is taken
 * for bad data: no fact. Strings that it keeps must not be slices of a longer one, which would stay in memory with them: a Buffer's
 * `toString(encoding, start, end)` makes none. `weigh`: bytes that a fact keeps, where that is less than the payload.
 */
export function gathering<Fact>(
  size: number,
  limit: number,
  parse: (payload: Buffer) => Fact | null,
  weigh?: (fact: Fact) => number,
): FileReader<Fact> | null {
  return size > limit ? null : beginning(size, size, parse, weigh)
}

/** As `gathering`, of the first `limit` bytes of a file of any size. */
export function beginning<Fact>(
  size: number,
  limit: number,
  parse: (payload: Buffer) => Fact | null,
  weigh: (fact: Fact) => number = () => Math.min(size, limit),
): FileReader<Fact> {
  const length = Math.min(size, limit)
  let payload: Buffer | null = null
  let filled = 0
  const reader: FileReader<Fact> = {
    push: (chunk) => {
      if (filled === length) return
      payload ??= Buffer.allocUnsafe(length)
      const part = chunk.subarray(0, length - filled)
      payload.set(part, filled)
      filled += part.length
    },
    end: () => {
      try {
        const fact = parse((payload ?? Buffer.alloc(0)).subarray(0, filled))
        if (fact !== null) reader.keeps = weigh(fact)
        return fact
      } catch {
        return null
      }
    },
  }
  return reader
}
