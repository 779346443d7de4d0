/** Characters of a name or version that are kept: npm allows 214, the others have none as long. */
const MAX_WORD = 300

/** A name or version from a record; null where there is none, or one that is too long to be one. */
export function word(text: unknown): string | null {
  return typeof text === 'string' && text !== '' && text.length <= MAX_WORD ? text : null
}

/** The lines of a record without their ends; the last one may have none. They share the record's memory. */
export function* linesOf(record: Buffer): Generator<Buffer> {
  for (let start = 0; start < record.length;) {
    const feed = record.indexOf(0x0a, start)
    const end = feed === -1 ? record.length : feed
    yield record.subarray(start, end > start && record[end - 1] === 0x0d ? end - 1 : end)
    start = end + 1
  }
}

/** The lines of a text, each made when it is asked for: a record may have millions. */
export function* linesIn(text: string): Generator<string, undefined> {
  for (let start = 0; start <= text.length;) {
    const feed = text.indexOf('\n', start)
    const end = feed === -1 ? text.length : feed
    yield text.slice(start, end)
    start = end + 1
  }
}

/**
 * The stanzas of a record of `Key: value` lines, a blank line between them, as Debian's control files, Python's metadata and Java's
 * manifests have it: of each the `wanted` keys that it has, with the first line of the value.
 */
export function* stanzasOf(record: Buffer, wanted: readonly string[]): Generator<Map<string, string>> {
  let stanza: Map<string, string> | null = null
  for (const line of linesOf(record)) {
    if (line.length === 0) {
      if (stanza) yield stanza
      stanza = null
      continue
    }
    stanza ??= new Map<string, string>()
    const colon = line.indexOf(0x3a)
    // A line that begins with a space continues the one before.
    if (colon < 1 || line[0] === 0x20 || line[0] === 0x09) continue
    const key = wanted.find((each) => each.length === colon && line.toString('latin1', 0, colon) === each)
    if (key !== undefined && !stanza.has(key)) stanza.set(key, line.toString('utf8', colon + 1).trim())
  }
  if (stanza) yield stanza
}
