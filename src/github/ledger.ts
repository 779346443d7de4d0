import { z } from 'zod'
import type { Shown } from '../budget/waiver.ts'

/** What the comment showed, and when: GitHub's time just before it was written, ISO 8601. */
type Seen = { at: string; shown: Shown[] }

/** What is kept in a comment, unseen: what it showed, the latest last, and what of it was accepted. */
export type Ledger = { seen: Seen[]; accepted: { by: string; at: string; shown: Shown[] } | null }

export const NO_LEDGER: Ledger = { seen: [], accepted: null }

/** Measurements that are kept. A label accepts the one that it was set upon, which is kept by itself. */
const MAX_SEEN = 10
/** Characters of the hidden line: the comment's own text needs the room. */
const MAX_LINE = 4000

const PREFIX = '<!-- image-budget-data: '
const SUFFIX = ' -->'

const bytes = z.number().int().safe()
const shown = z.array(
  z.strictObject({
    name: z.string().max(200),
    platform: z.string().max(100),
    growth: z.strictObject({ size: bytes.nullable(), downloadSize: bytes.nullable(), layers: bytes.nullable() }),
    parts: z.array(z.tuple([z.string().regex(/^[0-9a-f]{12}$/), bytes])).max(200),
  }),
)
const time = z.iso.datetime()
const ledger = z.strictObject({
  version: z.literal(1),
  seen: z.array(z.strictObject({ at: time, shown })).max(MAX_SEEN),
  accepted: z.strictObject({ by: z.string().max(100), at: time, shown }).nullable(),
})

/**
 * The ledger as one line that GitHub does not show, of letters, digits, `_` and `.` alone: nothing in it can end the comment that it stands
 * in. The oldest of what was seen is left out until the line is short enough; an empty text for a ledger without anything.
 */
export function ledgerLine({ seen, accepted }: Ledger): string {
  if (seen.length === 0 && accepted === null) return ''
  const text = JSON.stringify({ version: 1, seen: seen.slice(-MAX_SEEN), accepted })
  const line = `${PREFIX}${Buffer.from(text).toString('base64url').replaceAll('-', '.')}${SUFFIX}`
  return line.length > MAX_LINE
    ? ledgerLine({ seen: seen.slice(1), accepted: seen.length > 0 ? accepted : null })
    : line
}

/** Whether a ledger can keep what was accepted: it is short enough, and is read back. */
export function isKeepable(accepted: NonNullable<Ledger['accepted']>): boolean {
  return readLedger(`\n${ledgerLine({ seen: [], accepted })}`).accepted !== null
}

/** The ledger of a comment's body: its second line. Whatever is not as this action writes it is none. */
export function readLedger(body: string): Ledger {
  const line = body.split('\n', 2)[1]?.trim() ?? ''
  if (line.length > MAX_LINE || !line.startsWith(PREFIX) || !line.endsWith(SUFFIX)) return NO_LEDGER
  const encoded = line.slice(PREFIX.length, -SUFFIX.length)
  if (!/^[\w.]+$/.test(encoded)) return NO_LEDGER
  try {
    const text = Buffer.from(encoded.replaceAll('.', '-'), 'base64url').toString('utf8')
    const { seen, accepted } = ledger.parse(JSON.parse(text))
    return { seen, accepted }
  } catch {
    return NO_LEDGER
  }
}

/** A comment's text without what stands hidden above it. */
export function withoutHidden(body: string): string {
  const [, second = '', ...rest] = body.split('\n')
  return (second.startsWith(PREFIX) ? rest : [second, ...rest]).join('\n')
}

/**
 * The ledger with what is shown now. What it showed last already stays as it was, with its time. What could not be read back is left out,
 * or the whole line would be none: the platform's name is the image's own.
 */
export function withSeen({ seen, accepted }: Ledger, now: Seen): Ledger {
  const last = seen.at(-1)
  const isKnown = last !== undefined && JSON.stringify(last.shown) === JSON.stringify(now.shown)
  const isReadable = shown.safeParse(now.shown).success
  return { seen: isKnown || !isReadable ? seen : [...seen, now].slice(-MAX_SEEN), accepted }
}

/**
 * What someone accepted who set a label at a time: what was shown last before, or where there was no comment yet, what was shown first
 * afterwards. Null where nothing was shown. `since`: when the comment was created (ISO 8601); null: there is none.
 */
export function acceptedAt(
  { seen, accepted }: Ledger,
  { by, at }: { by: string; at: string },
  since: string | null,
): Ledger['accepted'] {
  if (accepted !== null && accepted.by === by && accepted.at === at) return accepted
  const before = seen.findLast((each) => Date.parse(each.at) <= Date.parse(at))
  const hadComment = since !== null && Date.parse(since) <= Date.parse(at)
  // A comment that did not show it then is no reason to accept what came later.
  const found = before ?? (hadComment ? undefined : seen[0])
  return found === undefined ? null : { by, at, shown: found.shown }
}
