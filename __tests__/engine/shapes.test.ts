import { describe, expect, it, jest } from '@jest/globals'
import { measureChange } from '../support/change.ts'
import { docker, engines } from '../support/engine.ts'
import { alignFigures, baseImagesOf, readExpected, readShapes, stableComment } from '../support/shapes.ts'

// Real builds with real toolchains, on a machine that may be busy.
jest.setTimeout(180_000)

const shapes = readShapes()
const used = engines().map((engine) => ({
  engine,
  images: docker(engine, 'images', '--format', '{{.Repository}}:{{.Tag}}').split('\n'),
}))

// The registry's base images of these names, which a Docker of the machine's own has, are of other sizes.
const suite = process.env['IMAGE_BUDGET_USE_DOCKER'] === '1' ? describe.skip : describe

suite('the comment on a change of each shape is as committed (node scripts/shapes.ts --write)', () => {
  for (const shape of shapes) {
    for (const { engine, images } of used) {
      const missing = baseImagesOf(shape).filter((image) => !images.includes(image))
      const name = `${shape.id} on the ${engine.store} store`
      const test = async (): Promise<void> => {
        const expected = readExpected(shape, engine.store) ?? ''
        const outcomes = await measureChange(engine, shape, shape.runs)
        const comment = stableComment(shape, outcomes)
        expect(alignFigures(comment, expected)).toBe(expected)
        const said = JSON.stringify(outcomes)
        for (const secret of secretsOf(shape.runs)) expect(said).not.toContain(secret)
      }
      if (missing.length > 0) it.skip(`${name} (no ${missing.join(', ')}: scripts/base-images.sh)`, test)
      else it(name, test)
    }
  }
})

/** The values of the build secrets that the runs have. */
function secretsOf(runs: Record<string, string>[]): string[] {
  const lines = runs.flatMap((inputs) => (inputs['secrets'] ?? '').split('\n'))
  return lines.filter((line) => line.includes('=')).map((line) => line.slice(line.indexOf('=') + 1))
}
