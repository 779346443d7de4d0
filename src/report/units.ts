/**
 * Figures as people read them. One family for everything: decimal units (1 kB = 1000 B), as the docker CLI and the
 * registries print them, so that a figure here is the figure that `docker images` shows.
 */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** U+2212, as wide as `+`: in a column of figures a hyphen is easily overlooked. */
const MINUS = '\u2212'

let english: Intl.NumberFormat | null = null

/** With a comma every three digits. Made when it is needed first: V8 takes its time to load what it knows of languages. */
function grouped(count: number): string {
  if (count < 1000) return String(count)
  english ??= new Intl.NumberFormat('en-US')
  return english.format(count)
}

/**
 * Bytes with one decimal, rounded half up: `812 B`, `1.5 kB`, `163.9 MB`; never `1000.0 kB`.
 * @throws RangeError for what is no integer: a failed measurement must not reach a page as a figure.
 */
export function formatBytes(bytes: number): string {
  if (!Number.isInteger(bytes)) throw new RangeError(`not a number of bytes: ${bytes}`)
  const amount = Math.abs(bytes)
  const sign = bytes < 0 ? MINUS : ''
  if (amount < 1000) return `${sign}${amount} B`

  let unit = 1
  // Whole tenths: 1450 B are 14.5 tenths of a kB, which rounds up; 1.45 has no exact double and would round down.
  while (tenths(amount, unit) >= 10_000 && unit < UNITS.length - 1) unit += 1
  const rounded = tenths(amount, unit)
  return `${sign}${Math.floor(rounded / 10)}.${rounded % 10} ${UNITS[unit]}`
}

function tenths(bytes: number, unit: number): number {
  return Math.round(bytes / (1000 ** unit / 10))
}

/** A difference in bytes: `+15.7 MB`, `−21.3 MB`, `0 B`. */
export function formatSigned(bytes: number): string {
  return bytes > 0 ? `+${formatBytes(bytes)}` : formatBytes(bytes)
}

/** A difference in whole things: `+1`, `−2`, `0`. */
export function formatSignedCount(count: number): string {
  return withSign(count, grouped(Math.abs(count)))
}

/** A difference in percent, one decimal: `+10.6 %`, `−14.4 %`; `0.0 %` for what rounds to nothing. */
export function formatPercent(percent: number): string {
  const rounded = Math.round(Math.abs(percent) * 10) / 10
  return withSign(rounded === 0 ? 0 : percent, `${rounded.toFixed(1)} %`)
}

function withSign(value: number, text: string): string {
  if (value === 0) return text
  return `${value > 0 ? '+' : MINUS}${text}`
}

/** Every byte: `148,213,004 B`. */
export function formatExactBytes(bytes: number): string {
  return `${bytes < 0 ? MINUS : ''}${grouped(Math.abs(bytes))} B`
}

/**
 * A limit as its user wrote it, where it was written in this family with at most three decimals: `160 MB`, `1.25 GB`;
 * otherwise (`150 MiB`) as any other figure: `157.3 MB`.
 */
export function formatLimit(bytes: number): string {
  const unit = UNITS.findLastIndex((_, index) => bytes >= 1000 ** index)
  if (unit < 1 || bytes % 1000 ** (unit - 1) !== 0) return formatBytes(bytes)
  return `${bytes / 1000 ** unit} ${UNITS[unit]}`
}

/**
 * A figure that stands beside others: with its exact bytes where it would look like one of them without being it.
 * `148.2 MB (148,213,004 B)` beside 148,213,104; `148.2 MB` beside 163,900,000.
 * @param format how the figure itself is written: `formatBytes` (default) or `formatLimit`
 */
export function formatBytesAmong(
  bytes: number,
  others: readonly (number | null)[],
  format: (bytes: number) => string = formatBytes,
): string {
  const rounded = formatBytes(bytes)
  const looksAlike = others.some((other) => other !== null && other !== bytes && formatBytes(other) === rounded)
  return looksAlike && Math.abs(bytes) >= 1000 ? `${format(bytes)} (${formatExactBytes(bytes)})` : format(bytes)
}

/** `1 layer`, `12 layers`, `1,000 images`. */
export function formatCount(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}
