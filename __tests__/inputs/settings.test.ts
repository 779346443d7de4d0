import { describe, expect, it } from '@jest/globals'
import { parseBudgetFile, type BudgetFile } from '../../src/inputs/budget-file.ts'
import { givenInputs, inputsOf, type Inputs } from '../../src/inputs/inputs.ts'
import { problemsOfSeveral, seenFrom, selectImages, settingsOf } from '../../src/inputs/settings.ts'

function fileOf(...lines: string[]): BudgetFile {
  const { file, problems } = parseBudgetFile(new TextEncoder().encode(lines.join('\n')), 'budget.yml')
  expect(problems).toEqual([])
  return file!
}

/** What a run means with a file and inputs. */
function inputsBy(file: BudgetFile, values: Record<string, string> = {}): Inputs {
  return inputsOf(
    settingsOf(
      givenInputs(values),
      file,
      selectImages(file, values['name'] === undefined ? [] : [values['name']])?.[0] ?? null,
    ),
  )
}

describe('which images a run measures', () => {
  const several = fileOf('images: [{ name: api }, { name: worker }, { name: web }]')
  const names = (...wanted: string[]) => selectImages(several, wanted)?.map(({ name }) => name)

  it('those that are named, in the order of the file', () => {
    expect(names('web')).toEqual(['web'])
    expect(names('web', 'api')).toEqual(['api', 'web'])
  })

  it('all, where none is', () => {
    expect(names()).toEqual(['api', 'worker', 'web'])
  })

  it('any, where the file does not say', () => {
    expect(selectImages(fileOf('max-size: 1 MB'), ['web'])).toBeNull()
  })

  it('none that is not there', () => {
    expect(() => names('wokrer', 'api')).toThrow('budget.yml has no image `wokrer`; did you mean `worker`?')
    expect(() => selectImages(fileOf('images: [{ name: api }]'), ['something else'])).toThrow(
      'budget.yml has no image `something else`.',
    )
  })

  it('several have nothing that is one image’s in the inputs, nor what is the run’s in the file', () => {
    const file = fileOf('images:', '  - name: api', '    comment: off', '  - name: web', '    max-size: 1 MB')
    const given = givenInputs({ file: 'Dockerfile', 'max-layers': '3' })
    expect(problemsOfSeveral(given, file.path, file.images!)).toEqual([
      "`file` is given as an input, and this run measures 2 images of budget.yml; there it is each image's own, and `name` measures one of them.",
      'budget.yml, line 3: `comment` is the same for all images of a run; it stands at the top of the file.',
    ])
    expect(problemsOfSeveral(givenInputs({ 'max-layers': '3' }), several.path, several.images!)).toEqual([])
  })
})

describe('what is set', () => {
  const file = fileOf(
    'max-size: 1 MB',
    'max-layers: 10',
    'comment: always',
    'forbid: [secrets]',
    'images:',
    '  - name: api',
    '    max-size: 2 MB',
    '    max-layers: 20',
    '    forbid: []',
    '    comment:',
    '  - name: worker',
  )

  it('is the input, then the image’s entry, then the top of the file, then the default', () => {
    expect(inputsBy(file, { name: 'api', 'max-size': '3 MB' })).toMatchObject({
      name: 'api',
      limits: { maxSize: 3_000_000, maxLayers: 20 },
      comment: 'always',
      forbid: [],
      record: 'auto',
    })
    expect(inputsBy(file, { name: 'worker' })).toMatchObject({
      limits: { maxSize: 1_000_000, maxLayers: 10 },
      forbid: ['secrets'],
    })
  })

  it('is not an input that is empty', () => {
    expect(inputsBy(file, { name: 'api', 'max-size': ' ', comment: '' })).toMatchObject({
      limits: { maxSize: 2_000_000 },
      comment: 'always',
    })
  })

  it('has the name of an image that is the only one', () => {
    expect(inputsBy(fileOf('images: [{ name: api }]')).name).toBe('api')
    expect(inputsBy(fileOf('name: api')).name).toBe('api')
    expect(inputsBy(fileOf('name: api'), { name: 'other' }).name).toBe('other')
  })

  it('leaves out how to build where an image is measured as it is', () => {
    const built = fileOf(
      'cache-from: type=gha',
      'images:',
      '  - { name: api, context: services/api, target: production, max-size: 2 MB }',
      '  - { name: base, image: docker://alpine }',
      '  - { name: wrong, image: docker://alpine, target: production }',
    )
    expect(inputsBy(built, { name: 'api', image: 'docker://acme/api:1' })).toMatchObject({
      image: { repository: 'acme/api' },
      context: '.',
      target: null,
      cacheFrom: [],
      limits: { maxSize: 2_000_000 },
    })
    expect(inputsBy(built, { name: 'base' })).toMatchObject({ image: { repository: 'library/alpine' }, cacheFrom: [] })
    expect(() => inputsBy(built, { name: 'wrong' })).toThrow(
      'budget.yml, line 5: `target` is given, but `image` is measured as it is',
    )
    expect(() => inputsBy(built, { name: 'base', context: 'app' })).toThrow('`context` is given, but `image`')
  })
})

describe('paths', () => {
  const file = fileOf(
    'images:',
    '  - name: api',
    '    context: services/api',
    '    file: docker/Dockerfile',
    '    build-contexts: { lib: lib, base: "docker-image://alpine", layout: "oci-layout://out" }',
    '    secret-files: { a: a, b: /b }',
    '    cache-from: ["type=local,src=cache", "type=gha"]',
    '    baseline: oci:out:1',
    '  - name: top',
  )
  const seen = (top: string, values: Record<string, string>): Inputs => {
    const settings = settingsOf(
      givenInputs(values),
      file,
      selectImages(file, values['name'] === undefined ? [] : [values['name']])?.[0] ?? null,
    )
    return seenFrom(top, inputsOf(settings), (name) => settings.get(name)?.place != null)
  }

  it('of the file are seen from a subfolder', () => {
    expect(seen('../..', { name: 'api' })).toMatchObject({
      context: '../../services/api',
      file: '../../docker/Dockerfile',
      buildContexts: [
        { name: 'lib', value: '../../lib' },
        { name: 'base', value: 'docker-image://alpine' },
        { name: 'layout', value: 'oci-layout://../../out' },
      ],
      secretFiles: [
        { id: 'a', path: '../../a' },
        { id: 'b', path: '/b' },
      ],
      cacheFrom: ['type=local,src=../../cache', 'type=gha'],
      baseline: { transport: 'oci', path: '../../out', name: '1' },
    })
    expect(seen('..', { name: 'top' }).context).toBe('..')
  })

  it('of the inputs are from where somebody stands', () => {
    expect(seen('..', { name: 'api', context: 'here', 'secret-files': 'a=a' })).toMatchObject({
      context: 'here',
      file: '../docker/Dockerfile',
      secretFiles: [{ id: 'a', path: 'a' }],
    })
  })

  it('stay as they are written in the top folder', () => {
    expect(seen('', { name: 'api' })).toEqual(inputsBy(file, { name: 'api' }))
  })
})
