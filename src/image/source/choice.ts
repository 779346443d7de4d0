import { CouldNotMeasure } from '../../failure.ts'
import { parseReference } from '../../inputs/reference.ts'

/** An image that a place with several images offers: its place in the list, from 0, and the names that it has there. */
export type Offer = { at: number; names: string[] }

/** How many names an error lists. */
const NAMES_SHOWN = 10
/** A name that a user can be told to write: on one line, not of any length, and none that is read as `@INDEX`. */
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const WRITABLE = /^(?!@)[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,200}$/

/**
 * The offers that a reference's name means, in the place's order: all where it is null; with `@INDEX` the one at that place, from
 * 0 (containers-transports(5)); else those with exactly this name, or, where there are none, those whose name means the same to
 * Docker: `api` is `docker.io/library/api:latest`.
 * Throws CouldNotMeasure `input` where there are none, listing the names; `place` is the reference's text without the name.
 */
export function offersNamed<T extends Offer>(offers: T[], name: string | null, place: string): T[] {
  if (offers.length === 0) throw new CouldNotMeasure('measure', `There is no image in \`${place}\`.`)
  if (name === null) return offers
  const found = find(offers, name)
  if (found.length > 0) return found
  throw new CouldNotMeasure('input', `There is no image \`${name}\` in \`${place}\`.`, {
    remedy: `It has ${listed(offers)}.`,
  })
}

/** The error for a reference that means several images of a place. */
export function severalImages(offers: Offer[], place: string): CouldNotMeasure {
  return new CouldNotMeasure('input', `There is more than one image in \`${place}\`: ${listed(offers)}.`, {
    remedy: `Say which one: \`${place}:${labels(offers)[0]}\`.`,
  })
}

function find<T extends Offer>(offers: T[], name: string): T[] {
  const [, index] = /^@(\d{1,9})$/.exec(name) ?? []
  if (index !== undefined) return offers.filter(({ at }) => at === Number(index))
  const exact = offers.filter(({ names }) => names.includes(name))
  return exact.length > 0 ? exact : offers.filter(({ names }) => names.some((other) => sameName(other, name)))
}

/** Whether two names mean the same to Docker: `api`, `docker.io/library/api:latest`. */
export function sameName(one: string, other: string): boolean {
  return one === other || (fullName(one) !== null && fullName(one) === fullName(other))
}

/** A Docker reference with all that may be left out of it; null for what is none. */
function fullName(name: string): string | null {
  const reference = parseReference(`docker://${name}`)
  if (reference?.transport !== 'docker') return null
  const { registry, repository, tag, digest } = reference
  return `${registry}/${repository}${digest === null ? `:${tag}` : `@${digest}`}`
}

function listed(offers: Offer[]): string {
  const names = labels(offers)
  const more = names.length - NAMES_SHOWN
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `\`${name}\``)
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** What to write for each: its first name, or its place where it has none that tells it from the others and that can be written. */
function labels(offers: Offer[]): string[] {
  const counts = new Map<string, number>()
  for (const name of offers.flatMap(({ names }) => [...new Set(names)])) counts.set(name, (counts.get(name) ?? 0) + 1)
  const canBeWritten = (name: string): boolean => counts.get(name) === 1 && WRITABLE.test(name)
  return offers.map(({ at, names }) => names.find(canBeWritten) ?? `@${at}`)
}
