import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parseBudgetFile } from '../../src/inputs/budget-file.ts'
import { firstBudgetFile, type FirstImage } from '../../src/inputs/first-file.ts'

const parsed = (text: string) => parseBudgetFile(Buffer.from(text), 'image-budget.yml')

const api: FirstImage = { name: 'api', build: null, measured: { size: 100_000_001, layers: 7 } }

describe('a first budget file', () => {
  it('has each image with a tenth more, in whole MB, and two layers more', () => {
    const images: FirstImage[] = [
      api,
      { name: 'broken', build: null, measured: { reason: 'no `base`' } },
      {
        name: 'shop',
        build: { context: '.', file: 'docker/a: b' },
        measured: { size: 100_000_000, layers: 1 },
      },
      { name: 'web', build: { context: 'web', file: 'web/Dockerfile' }, measured: { size: null, layers: 1 } },
      {
        name: 'old',
        build: { context: 'old', file: 'old/x.Dockerfile' },
        measured: { reason: 'the build failed:\n- images: [' },
      },
    ]
    const text = firstBudgetFile(images, ['docker-bake.hcl'], true)
    expect(text.split('\n').slice(3).join('\n')).toBe(`
bake-files:
  - docker-bake.hcl
bake-targets:
  - api
images:
  - name: api
    max-size: 111 MB
    max-layers: 9
  # - name: broken
  #   It could not be measured: no \`base\`
  - name: shop
    context: .
    file: "docker/a: b"
    max-size: 110 MB
    max-layers: 3
  - name: web
    context: web
    max-layers: 3
  # - name: old
  #   context: old
  #   file: old/x.Dockerfile
  #   It could not be measured: the build failed:\\n- images: [
`)
    const { file, problems } = parsed(text)
    expect(problems).toEqual([])
    expect(file?.images?.map(({ name }) => name)).toEqual(['api', 'shop', 'web'])
    expect(file?.images?.[1]?.values.get('file')?.text).toBe('docker/a: b')
  })

  it('names targets only where they are not those of the group `default`: what is added to that is measured too', () => {
    const targetsIn = (images: FirstImage[], isDefault: boolean): string | undefined =>
      parsed(firstBudgetFile(images, ['docker-bake.hcl'], isDefault)).file?.defaults.get('bake-targets')?.text
    expect(targetsIn([api], true)).toBeUndefined()
    expect(targetsIn([api], false)).toBe('api')
    expect(targetsIn([api, { ...api, name: 'broken', measured: { reason: 'x' } }], true)).toBe('api')
  })

  it('is valid where there is nothing to keep', () => {
    const { file, problems } = parsed(firstBudgetFile([{ ...api, measured: { reason: 'x' } }], [], true))
    expect([problems, file?.images, file?.defaults.size]).toEqual([[], null, 0])
  })

  it('says what it was told, whatever images are called and whatever builds say', () => {
    const plain = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && text.trim() === text && text !== '')
    const image = fc.record({
      name: plain,
      build: fc.option(fc.record({ context: plain, file: plain })),
      measured: fc.oneof(
        fc.record({ size: fc.option(fc.nat()), layers: fc.nat(127) }),
        fc.record({ reason: fc.string() }),
      ),
    })
    fc.assert(
      fc.property(fc.uniqueArray(image, { minLength: 1, maxLength: 5, selector: ({ name }) => name }), (images) => {
        const { file, problems } = parsed(firstBudgetFile(images, ['a.hcl'], false))
        const kept = images.filter(({ measured }) => !('reason' in measured))
        // What a context or a target may be called is not this file's to say.
        const other = problems.filter((problem) => !/`(?:context|bake-targets)`/.test(problem))
        expect(other).toEqual([])
        if (problems.length > 0) return
        expect(file?.images?.map(({ name }) => name) ?? []).toEqual(kept.map(({ name }) => name))
        for (const [at, { build }] of kept.entries())
          expect(file?.images?.[at]?.values.get('context')?.text).toBe(build?.context)
      }),
    )
  })
})
