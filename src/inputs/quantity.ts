/** Bytes per unit, as the docker CLI (decimal) and IEC (binary) define them. */
const UNITS: Record<string, bigint> = {
  b: 1n,
  kb: 1_000n,
  mb: 1_000_000n,
  gb: 1_000_000_000n,
  tb: 1_000_000_000_000n,
  kib: 1n << 10n,
  mib: 1n << 20n,
  gib: 1n << 30n,
  tib: 1n << 40n,
}

/** An amount of growth: bytes, or percent of the base. */
export type Increase = { limit: number; unit: 'bytes' | 'percent' }

/**
 * `160 MB`, `150MiB`, `1.2 GB`, `800 kB`, `512 B` as bytes (integer, a fraction of a byte dropped), or null where the text
 * is none. A unit is needed: "160" is as likely meant as megabytes as it is as bytes.
 */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,15})(?:\.(\d{1,12}))? ?([a-z]{1,3})$/i.exec(text.trim())
  const unit = UNITS[match?.[3]?.toLowerCase() ?? '']
  if (!match || unit === undefined) return null
  const decimals = match[2] ?? ''
  const bytes = (BigInt(`${match[1]}${decimals}`) * unit) / 10n ** BigInt(decimals.length)
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : null
}

/** `5 MB` or `3%` (also `+5 MB`, `2.5 %`), or null where the text is neither. */
export function parseIncrease(text: string): Increase | null {
  const amount = text.trim().replace(/^\+ ?/, '')
  const percent = /^(\d{1,6}(?:\.\d{1,4})?) ?%$/.exec(amount)
  if (percent) return { limit: Number(percent[1]), unit: 'percent' }
  const bytes = parseBytes(amount)
  return bytes === null ? null : { limit: bytes, unit: 'bytes' }
}

/** A whole number, or null. */
export function parseCount(text: string): number | null {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : null
}
