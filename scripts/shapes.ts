/**
 * The shapes of Dockerfiles (`__tests__/shapes`), built and compared on both engines: `node scripts/shapes.ts [--write] [ENGINE …] [ID …]`.
 *
 * Prints each shape's comment as it is on the first engine and whether it is as committed; `--write` commits what it finds. An id may be
 * the beginning of one: `s07`. Engines and base images have to be there: scripts/engine.sh start && scripts/base-images.sh.
 */
import { measureChange } from '../__tests__/support/change.ts'
import { engines } from '../__tests__/support/engine.ts'
import { alignFigures, readExpected, readShapes, stableComment, writeExpected } from '../__tests__/support/shapes.ts'

const options = process.argv.slice(2)
const stores = options.filter((option) => option === 'classic' || option === 'containerd')
const wanted = options.filter((option) => option !== '--write' && !stores.some((store) => store === option))
const shapes = readShapes().filter(({ id }) => wanted.length === 0 || wanted.some((start) => id.startsWith(start)))
const used = engines().filter(({ store }) => stores.length === 0 || stores.includes(store))
if (shapes.length === 0) throw new Error(`no shape is named ${wanted.join(' or ')}`)

for (const shape of shapes) {
  const found: Partial<Record<'classic' | 'containerd', string>> = {}
  for (const engine of used) {
    const start = performance.now()
    const comment = stableComment(shape, await measureChange(engine, shape, shape.runs))
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    found[engine.store] = comment
    const expected = readExpected(shape, engine.store)
    const isAsCommitted = expected !== null && alignFigures(comment, expected) === expected
    const isShown =
      wanted.length > 0 &&
      (engine === used[0] || alignFigures(comment, found[used[0]!.store]!) !== found[used[0]!.store])
    if (isShown) console.log(`\n${comment}`)
    console.log(`${shape.id} on ${engine.store}: ${isAsCommitted ? 'as committed' : 'not as committed'} (${seconds} s)`)
    if (!isAsCommitted && !options.includes('--write')) process.exitCode = 1
  }
  if (options.includes('--write')) writeExpected(shape, found)
}
