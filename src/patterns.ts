/** Matches what any of the patterns does. Throws where one has flags: they would be lost. */
export function anyOf(patterns: readonly RegExp[]): RegExp {
  const flagged = patterns.find(({ flags }) => flags !== '')
  if (flagged) throw new Error(`${flagged} has flags.`)
  return new RegExp(patterns.map(({ source }) => source).join('|'))
}
