import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { readOrigins } from '../../src/build/provenance.ts'

type Lists = Record<string, unknown[][]>
type BuildRecord = { metadata: Record<string, { layers: Lists }> }

/** A captured record, with only those of its lists of layers that `keep` keeps. */
function recordOf(name: string, keep: (list: unknown[][]) => boolean): BuildRecord {
  const file = new URL(`fixtures/provenance/${name}.json`, import.meta.url)
  const record = (JSON.parse(readFileSync(file, 'utf8')) as { records: { '': BuildRecord } }).records['']
  const facts = record.metadata['https://mobyproject.org/buildkit@v1#metadata']!
  facts.layers = Object.fromEntries(Object.entries(facts.layers).filter(([, list]) => keep(list)))
  return record
}

/** When two builds have a step under way at the same moment, BuildKit lists its layers in the record of one of them alone. */
describe.each(['multi-stage', 'link', 'heredoc', 'duplicate', 'alias', 'numbered', 'windowed'])('%s', (name) => {
  it.each(['classic', 'containerd'])('is read as if no list of layers were missing, %s store', (store) => {
    const whole = readOrigins(recordOf(`${name}.${store}`, () => true))
    // The lists of the images that stages start from are always there: two layers each, or none.
    const shared = readOrigins(recordOf(`${name}.${store}`, (list) => (list[0]?.length ?? 0) <= 2))
    expect(shared).toEqual(whole)
  })
})
