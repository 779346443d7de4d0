/**
 * The entries of a list input, as docker's own actions read them: one a line; an entry in double quotes may span lines
 * and hold `""` for a quote. Blank lines and lines that start with `#` are left out. Null where a quote is not closed.
 */
export function parseLines(text: string): string[] | null {
  const entries: string[] = []
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    // What stands at the end of the first line of a quoted entry is its own.
    let line = lines[at]!.trimStart()
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('"')) {
      while (!isClosed(line)) {
        if (++at >= lines.length) return null
        line += `\n${lines[at]!}`
      }
      line = line.trim().slice(1, -1).replaceAll('""', '"')
    } else line = line.trimEnd()
    entries.push(line)
  }
  return entries
}

function isClosed(quoted: string): boolean {
  return /^"(?:[^"]|"")*"\s*$/.test(quoted)
}

/** The same for inputs whose entries hold no comma: comma- or line-separated. */
export function parseCommaOrLines(text: string): string[] {
  return text
    .split(/[\r\n,]+/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !entry.startsWith('#'))
}

/** `key=value` split at the first `=`; null where there is none or the key is empty. */
export function parsePair(entry: string): { key: string; value: string } | null {
  const at = entry.indexOf('=')
  return at < 1 ? null : { key: entry.slice(0, at).trim(), value: entry.slice(at + 1) }
}

/**
 * `key=value,key=value` as its fields, each a text, as docker's own options are split (RFC 4180): a field in double quotes may hold commas,
 * and `""` for a quote. Null where a quote is not closed, or text follows a closed one.
 */
export function parseFields(entry: string): string[] | null {
  const fields: string[] = []
  for (let at = 0; at <= entry.length;) {
    const start = at + (/^ */.exec(entry.slice(at))?.[0].length ?? 0)
    if (entry[start] !== '"') {
      const comma = entry.indexOf(',', start)
      const end = comma === -1 ? entry.length : comma
      fields.push(entry.slice(start, end).trim())
      at = end + 1
      continue
    }
    const quoted = /^"((?:[^"]|"")*)" *(?:,|$)/.exec(entry.slice(start))
    if (!quoted) return null
    fields.push(quoted[1]!.replaceAll('""', '"').trim())
    // A comma at the very end leads to one more field, which is empty.
    at = start + quoted[0].length + (quoted[0].endsWith(',') ? 0 : 1)
  }
  return fields
}
