/**
 * The entries of a list input, as docker's own actions read them: one a line; an entry in double quotes may span lines
 * and hold `""` for a quote. Blank lines and lines that start with `#` are left out. Null where a quote is not closed.
 */
export function parseLines(text: string): string[] | null {
  const entries: string[] = []
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at]!.trim()
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('"')) {
      while (!isClosed(line)) {
        if (++at >= lines.length) return null
        line += `\n${lines[at]!}`
      }
      line = line.trim().slice(1, -1).replaceAll('""', '"')
    }
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
