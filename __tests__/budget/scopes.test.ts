import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { advise } from '../../src/advice/advise.ts'
import type { Finding } from '../../src/advice/finding.ts'
import type { Budget, BudgetName, Check, Scope } from '../../src/budget/budget.ts'
import { judge } from '../../src/budget/judge.ts'
import { compare, type Compared } from '../../src/compare/compare.ts'
import type { ImageContent } from '../../src/image/content.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import type { Layer, Measurement } from '../../src/image/measurement.ts'
import type { Package } from '../../src/image/packages/package.ts'
import type { RuleId } from '../../src/inputs/rules.ts'
import { aBaseLayer, aLayer, aLayerOfUnknownOrigin, aMeasurement, builtBase, digest } from '../support/measurements.ts'

const own: Scope = { kind: 'own', of: null }
const base: Scope = { kind: 'base', of: null }
const path = (of: string): Scope => ({ kind: 'path', of })
const stage = (of: string): Scope => ({ kind: 'stage', of })
const named = (of: string): Scope => ({ kind: 'package', of })

function limit(scope: Scope | null, name: BudgetName, amount: number, more: Partial<Budget> = {}): Budget {
  return {
    budget: name,
    scope,
    level: 'fail',
    over: null,
    limit: amount,
    unit: name === 'max-layers' ? 'layers' : 'bytes',
    ...more,
  }
}

function compared(head: Partial<Measurement>, before: Partial<Measurement> | null): Compared {
  const [after, was] = [aMeasurement(head), before && aMeasurement(before)]
  return { comparison: compare(after, was, builtBase()), head: after, base: was }
}

function checkOf(of: Compared, budget: Budget, findings: Finding[] = []): Check & { verdict: string } {
  const { checks, verdict } = judge(of, [budget], findings)
  return { ...checks[0]!, verdict }
}

const file = (name: string, size: number, more: Partial<ImageFile> = {}): ImageFile => ({
  path: name,
  layer: 1,
  size,
  mode: 0o644,
  uid: 0,
  gid: 0,
  checksum: null,
  facts: [],
  lost: null,
  package: null,
  ...more,
})

const content = (files: ImageFile[], packages: Package[] = []): ImageContent => ({ files, packages })

const aPackage = (name: string, ecosystem: Package['ecosystem'] = 'npm'): Package => ({
  ecosystem,
  name,
  version: null,
  path: null,
  size: 0,
  dev: null,
})

/** A base layer of `from` bytes, then an own one of `rest`. */
const image = (from: number, rest: number, more: Partial<Measurement> = {}): Partial<Measurement> => ({
  layers: [aBaseLayer('ADD /', { size: from, stage: null }), aLayer('RUN it', { size: rest, stage: 'runtime' })],
  ...more,
})

describe('own layers and those of the base image', () => {
  it('are judged apart', () => {
    const grown = compared(image(700, 300), image(650, 200))
    expect(checkOf(grown, limit(own, 'max-size', 250))).toMatchObject({
      actual: 300,
      growth: 100,
      excess: 50,
      verdict: 'over',
    })
    expect(checkOf(grown, limit(base, 'max-size', 600))).toMatchObject({ actual: 700, growth: 50, excess: 100 })
    expect(checkOf(grown, limit(own, 'max-increase', 99))).toMatchObject({ actual: 100, excess: 1, verdict: 'over' })
    expect(checkOf(grown, limit(base, 'max-increase', 50))).toMatchObject({ actual: 50, verdict: 'within' })
    expect(checkOf(grown, limit(own, 'max-layers', 1))).toMatchObject({ actual: 1, status: 'near' })
    expect(checkOf(grown, limit(base, 'max-layers', 0))).toMatchObject({
      actual: 1,
      status: 'skipped',
      reason: 'over-before',
    })
  })

  it('have download sizes, of a blob that stands there twice once', () => {
    const blob = { digest: digest('blob'), downloadSize: 40 }
    const layers = [
      aBaseLayer('ADD /', { digest: digest('b'), downloadSize: 10 }),
      aLayer('RUN a', blob),
      aLayer('RUN b', blob),
    ]
    const of = compared({ layers }, null)
    expect(checkOf(of, limit(own, 'max-download-size', 40))).toMatchObject({ actual: 40, verdict: 'within' })
    expect(checkOf(of, limit(base, 'max-download-size', 9))).toMatchObject({ actual: 10, verdict: 'over' })
  })

  it.each([own, base])('are never passed unseen where the record does not tell them: %j', (scope) => {
    const of = compared({ layers: [aLayerOfUnknownOrigin('ADD /')] }, null)
    expect(checkOf(of, limit(scope, 'max-size', 1))).toMatchObject({
      status: 'skipped',
      reason: 'not-measured',
      why: "the build's record does not tell which layers came with the base image",
      verdict: 'error',
    })
  })
})

describe('a stage', () => {
  const layers: Layer[] = [
    aBaseLayer('ADD /'),
    aLayer('RUN deps', { size: 500, stage: 'deps' }),
    aLayer('COPY . .', { size: 70, stage: 'Runtime' }),
    aLayer('RUN x', { size: 30, stage: 'Runtime' }),
  ]

  it('has its own layers, whatever its letters’ case', () => {
    expect(checkOf(compared({ layers }, null), limit(stage('runtime'), 'max-size', 99))).toMatchObject({
      actual: 100,
      excess: 1,
    })
    expect(checkOf(compared({ layers }, null), limit(stage('runtime'), 'max-layers', 2))).toMatchObject({
      actual: 2,
      verdict: 'within',
    })
  })

  it('that the image is not made of is told, with those that it is', () => {
    expect(checkOf(compared({ layers }, null), limit(stage('runtme'), 'max-size', 99))).toMatchObject({
      reason: 'not-measured',
      why: 'no layer of the image is of the stage `runtme`, only of `deps`, `Runtime`',
      verdict: 'error',
    })
  })

  it('that the change took away, or named otherwise, is not passed unseen', () => {
    const of = compared({ layers: layers.slice(0, 2) }, { layers })
    expect(checkOf(of, limit(stage('runtime'), 'max-size', 1))).toMatchObject({
      reason: 'not-measured',
      verdict: 'error',
    })
  })

  it('that was only named anew has no growth', () => {
    const renamed = layers.map((layer) => (layer.stage === 'Runtime' ? { ...layer, stage: 'app' } : layer))
    const of = compared({ layers: renamed }, { layers })
    expect(checkOf(of, limit(stage('app'), 'max-increase', 0))).toMatchObject({ actual: 0, verdict: 'within' })
    expect(checkOf(of, limit(stage('app'), 'max-size', 1))).toMatchObject({ reason: 'over-before', verdict: 'within' })
  })

  it('is not known where a layer’s is not', () => {
    const unknown = [...layers, aLayer('RUN y', { stage: null })]
    expect(checkOf(compared({ layers: unknown }, null), limit(stage('deps'), 'max-size', 99))).toMatchObject({
      reason: 'not-measured',
      verdict: 'error',
    })
  })
})

describe('a path', () => {
  const files = [
    file('/app/node_modules/a/index.js', 60),
    file('/app/node_modules/b.map', 30, { lost: { layer: 2, how: 'removed' } }),
    file('/app/server.js', 500),
    file('/app/src/deep/x.map', 7),
  ]

  it('has all that the layers ship of it, also what is lost again', () => {
    const of = compared({ content: content(files) }, { content: content(files.slice(0, 1)) })
    expect(checkOf(of, limit(path('/app/node_modules'), 'max-size', 80))).toMatchObject({
      actual: 90,
      growth: 30,
      excess: 10,
    })
    expect(checkOf(of, limit(path('/app/**/*.map'), 'max-size', 0))).toMatchObject({ actual: 37, verdict: 'over' })
    expect(checkOf(of, limit(path('/app/node_modules'), 'max-increase', 50, { unit: 'percent' }))).toMatchObject({
      actual: 50,
      status: 'near',
    })
    expect(checkOf(of, limit(path('/none'), 'max-size', 0))).toMatchObject({ actual: 0, verdict: 'within' })
  })

  it('is never passed unseen', () => {
    const of = compared({ content: null }, null)
    expect(checkOf(of, limit(path('/app'), 'max-size', 1e9))).toMatchObject({
      reason: 'not-measured',
      why: "the image's files were not read, or are more than can be kept",
      verdict: 'error',
    })
    expect(checkOf(of, limit(path('/app'), 'max-size', 1e9, { level: 'warn' })).verdict).toBe('within')
  })
})

describe('a package', () => {
  const of = compared(
    {
      content: content(
        [
          file('/a', 10, { package: 0 }),
          file('/b', 20, { package: 1 }),
          file('/c', 40, { package: 2 }),
          file('/d', 80),
        ],
        [aPackage('typescript'), aPackage('typescript'), aPackage('typescript', 'dpkg')],
      ),
    },
    null,
  )

  it('has the files of all of its copies', () => {
    expect(checkOf(of, limit(named('typescript'), 'max-size', 0))).toMatchObject({ actual: 70, excess: 70 })
    expect(checkOf(of, limit(named('npm:typescript'), 'max-size', 0))).toMatchObject({ actual: 30 })
    expect(checkOf(of, limit(named('dpkg:typescript'), 'max-size', 0))).toMatchObject({ actual: 40 })
    expect(checkOf(of, limit(named('python:typescript'), 'max-size', 0))).toMatchObject({
      actual: 0,
      verdict: 'within',
    })
    expect(checkOf(of, limit(named('type'), 'max-size', 0))).toMatchObject({ actual: 0 })
  })
})

describe('a soft limit', () => {
  it('that is broken is told with its excess, and breaks nothing', () => {
    const of = compared(image(0, 300), image(0, 200))
    expect(checkOf(of, limit(null, 'max-size', 250, { level: 'warn' }))).toMatchObject({
      status: 'warned',
      excess: 50,
      verdict: 'within',
    })
    expect(judge(of, [limit(null, 'max-size', 250, { level: 'warn' }), limit(null, 'max-size', 299)], []).verdict).toBe(
      'over',
    )
  })

  it('that the base breaks already is none of this change', () => {
    const of = compared(image(0, 300), image(0, 300))
    expect(checkOf(of, limit(null, 'max-size', 250, { level: 'warn' }))).toMatchObject({ reason: 'over-before' })
  })
})

describe('a base image that moved by itself', () => {
  const from = (seed: string, instruction = 'FROM node:24') => ({
    baseImage: { name: 'node:24', digest: digest(seed), line: 1, instruction },
  })
  const moved = (head: number, before: number, ownHead = 100, ownBefore = 100, instruction?: string): Compared =>
    compared(image(head, ownHead, from('new', instruction)), image(before, ownBefore, from('old')))

  it('is not counted against growth', () => {
    expect(checkOf(moved(1000, 700, 110), limit(null, 'max-increase', 10))).toMatchObject({
      actual: 10,
      growth: 310,
      uncounted: 300,
      verdict: 'within',
    })
    expect(checkOf(moved(1000, 700, 111), limit(null, 'max-increase', 10))).toMatchObject({
      excess: 1,
      verdict: 'over',
    })
    expect(checkOf(moved(1000, 700), limit(base, 'max-increase', 10))).toMatchObject({ excess: 290, verdict: 'over' })
  })

  it('does not break a cap', () => {
    expect(checkOf(moved(1000, 700), limit(null, 'max-size', 900))).toMatchObject({
      status: 'skipped',
      reason: 'base-image',
      excess: 200,
      uncounted: 300,
      verdict: 'within',
    })
    // Without it, the change alone would fit …
    expect(checkOf(moved(1000, 700, 150), limit(null, 'max-size', 900))).toMatchObject({ reason: 'base-image' })
    // … or not.
    expect(checkOf(moved(1000, 700, 250), limit(null, 'max-size', 900))).toMatchObject({ verdict: 'over', excess: 350 })
  })

  it('counts where the change itself names another', () => {
    const edited = moved(1000, 700, 100, 100, 'FROM node:24@sha256:1')
    expect(checkOf(edited, limit(null, 'max-increase', 10))).toMatchObject({
      actual: 300,
      uncounted: 0,
      verdict: 'over',
    })
    expect(checkOf(edited, limit(null, 'max-size', 900))).toMatchObject({ verdict: 'over' })
  })

  it('that shrank gives no room', () => {
    expect(checkOf(moved(600, 700, 130), limit(null, 'max-increase', 10))).toMatchObject({
      actual: -70,
      verdict: 'within',
    })
    expect(checkOf(moved(690, 700, 130), limit(null, 'max-increase', 10))).toMatchObject({
      actual: 20,
      verdict: 'over',
    })
  })

  it('is not counted in a path either', () => {
    const files = (size: number) => content([file('/lib/a.so', size, { layer: 0 }), file('/lib/b.so', 5, { layer: 1 })])
    const of = compared(
      { ...image(1000, 100, from('new')), content: files(300) },
      { ...image(700, 100, from('old')), content: files(100) },
    )
    expect(checkOf(of, limit(path('/lib'), 'max-increase', 0))).toMatchObject({
      actual: 0,
      growth: 200,
      uncounted: 200,
      verdict: 'within',
    })
    expect(checkOf(of, limit(path('/lib'), 'max-size', 200))).toMatchObject({ reason: 'base-image' })
  })
})

describe('a forbidden rule', () => {
  const forbid = (rule: RuleId): Budget => limit({ kind: 'rule', of: rule }, 'forbid', 0, { unit: 'findings' })
  const finding = (since: Finding['since'], more: Partial<Finding> = {}): Finding => ({
    rule: 'secrets',
    what: ['a key'],
    paths: ['/app/.env'],
    count: 1,
    bytes: 10,
    fix: ['remove it'],
    file: null,
    line: null,
    instruction: null,
    otherLine: null,
    fromBase: false,
    since,
    added: 10,
    ...more,
  })
  const read = compared({ content: content([]) }, { content: content([]) })

  it.each([
    ['new', 'over', null, 'over'],
    ['grown', 'skipped', 'over-before', 'within'],
    [null, 'over', null, 'over'],
    ['before', 'skipped', 'over-before', 'within'],
  ] as const)('with a finding that is %s is %s', (since, status, reason, verdict) => {
    expect(checkOf(read, forbid('secrets'), [finding(since)])).toMatchObject({
      status,
      reason,
      actual: 1,
      excess: 1,
      verdict,
    })
  })

  it('is broken by what is new alone, and kept where nothing is found', () => {
    expect(checkOf(read, forbid('secrets'), [finding('new'), finding('before')])).toMatchObject({
      actual: 1,
      excess: 1,
      status: 'over',
    })
    expect(
      checkOf(read, forbid('toolchain'), [finding('new', { rule: 'single-stage', bytes: 2_000_000 })]).verdict,
    ).toBe('over')
    expect(checkOf(read, forbid('secrets'), [finding('new', { rule: 'toolchain' })])).toMatchObject({
      status: 'within',
      actual: 0,
    })
  })

  it('is not broken by what a base image that moved by itself brought', () => {
    const drift: Compared = {
      ...read,
      comparison: { ...read.comparison, baseImage: { ...read.comparison.baseImage, doing: 'drift' } },
    }
    expect(checkOf(drift, forbid('secrets'), [finding('new', { fromBase: true })])).toMatchObject({
      reason: 'base-image',
      verdict: 'within',
    })
    expect(checkOf(read, forbid('secrets'), [finding('new', { fromBase: true })]).verdict).toBe('over')
  })

  const layers = [aBaseLayer('ADD /'), aLayer('COPY --from=build /a /a'), aLayer('COPY --from=build /b /b')]
  const judged = (rule: RuleId, head: ImageFile[], before: ImageFile[] | null): Check & { verdict: string } => {
    const of = compared({ layers, content: content(head) }, { layers, content: before && content(before) })
    return checkOf(of, forbid(rule), advise(of.head, of.base))
  }
  const elf = (name: string, symbols: number, layer = 1): ImageFile =>
    file(name, 9_000_000, { layer, facts: [{ kind: 'elf', symbols, debug: 0, go: false }] })
  const copies = (count: number): ImageFile[] =>
    Array.from({ length: count }, (_, at) => file(`/app/${at}`, 7_000_000, { checksum: 7 }))

  it.each([
    ['debug-symbols', [elf('/b', 400_000)], [elf('/a', 500_000), elf('/b', 400_000)]],
    ['debug-symbols', [elf('/a', 200_000), elf('/b', 200_000, 2)], [elf('/a', 200_000), elf('/b', 200_000)]],
    ['duplicate-files', copies(3).slice(1), copies(3)],
    ['package-cache', [file('/var/lib/apt/lists/a', 5_000_000)], [file('/root/.cache/pip/a', 6_000_000)]],
  ] as const)('%s is not broken by a change that only shrinks', (rule, head, before) => {
    expect(judged(rule, [...head], [...before])).toMatchObject({ reason: 'over-before', verdict: 'within' })
  })

  it('is not broken by what grew, nor by what cannot be told new', () => {
    const cache = (size: number) => [file('/var/lib/apt/lists/a', size)]
    expect(judged('package-cache', cache(9_000_000), [])).toMatchObject({ status: 'over', verdict: 'over' })
    expect(judged('package-cache', cache(9_000_000), cache(5_000_000))).toMatchObject({ reason: 'over-before' })
    expect(judged('package-cache', cache(9_000_000), null)).toMatchObject({
      status: 'skipped',
      reason: 'no-baseline',
      actual: 1,
      verdict: 'within',
    })
  })

  it('counts all that breaks it, also what is too much to be told', () => {
    const pairs = Array.from({ length: 25 }, (_, at) =>
      ['a', 'b'].map((name) => file(`/app/${name}${at}`, 7_000_000, { checksum: at })),
    )
    expect(judged('duplicate-files', pairs.flat(), [])).toMatchObject({ actual: 25, excess: 25 })
    expect(judged('duplicate-files', pairs.flat(), pairs.slice(5).flat())).toMatchObject({ actual: 5, excess: 5 })
  })

  it('is never passed unseen', () => {
    expect(checkOf(compared({ content: null }, null), forbid('secrets'))).toMatchObject({
      reason: 'not-measured',
      verdict: 'error',
    })
    expect(checkOf(compared({ content: null, settings: null }, null), forbid('root-user')).verdict).toBe('error')
    expect(checkOf(compared({ content: null }, null), forbid('layer-count')).verdict).toBe('within')
    expect(checkOf(compared({ content: content([]), settings: null }, null), forbid('secrets')).verdict).toBe('error')
    const untold = [aLayerOfUnknownOrigin('ADD /')]
    expect(checkOf(compared({ baseImage: null, layers: untold }, null), forbid('floating-base')).verdict).toBe('error')
    const scratch = [aLayer('COPY app /app')]
    expect(checkOf(compared({ baseImage: null, layers: scratch }, null), forbid('floating-base')).verdict).toBe(
      'within',
    )
  })

  it('of toolchains forbids one in a single stage, too', () => {
    const single = finding('new', { rule: 'single-stage', bytes: 2_000_000 })
    expect(checkOf(read, forbid('toolchain'), [single]).verdict).toBe('over')
    expect(checkOf(read, forbid('secrets'), [single]).verdict).toBe('within')
  })
})

describe('judge', () => {
  it('lists the whole image first, then parts as they were set, then rules', () => {
    const budgets = [
      limit({ kind: 'rule', of: 'secrets' }, 'forbid', 0, { unit: 'findings' }),
      limit(path('/b'), 'max-increase', 1),
      limit(own, 'max-size', 1),
      limit(null, 'max-increase', 1),
      limit(null, 'max-size', 1),
    ]
    const { checks } = judge(compared({}, {}), budgets, [])
    expect(checks.map(({ scope, budget }) => `${scope?.kind ?? 'image'} ${budget}`)).toEqual([
      'image max-size',
      'image max-increase',
      'path max-increase',
      'own max-size',
      'rule forbid',
    ])
  })

  const bytes = fc.nat({ max: 2_000_000_000 })
  const anyImage = fc.record({
    from: bytes,
    rest: bytes,
    files: fc.array(bytes, { maxLength: 5 }),
    digest: fc.constantFrom('a', 'b'),
  })
  const scopes: (Scope | null)[] = [null, own, base, path('/f'), stage('runtime'), named('p')]
  const anyBudget = fc
    .record({
      scope: fc.constantFrom(...scopes),
      name: fc.constantFrom<BudgetName>('max-size', 'max-increase'),
      amount: bytes,
      percent: fc.boolean(),
    })
    .map(({ scope, name, amount, percent }) =>
      limit(scope, name, amount, name === 'max-increase' && percent ? { unit: 'percent', limit: amount / 1e7 } : {}),
    )
  const made = ({
    from,
    rest,
    files,
    digest: seed,
  }: {
    from: number
    rest: number
    files: number[]
    digest: string
  }): Partial<Measurement> => ({
    ...image(from, rest),
    baseImage: { name: 'node:24', digest: digest(seed), line: 1, instruction: 'FROM node:24' },
    content: content(
      files.map((size, at) => file(`/f/${at}`, size, { layer: at % 2, package: 0 })),
      [aPackage('p')],
    ),
  })
  const valueOf = (of: Measurement, scope: Scope | null): number => {
    const sums = { own: of.layers[1]!.size!, base: of.layers[0]!.size!, stage: of.layers[1]!.size! }
    if (scope === null) return of.size!
    if (scope.kind === 'own' || scope.kind === 'base' || scope.kind === 'stage') return sums[scope.kind]
    return [...of.content!.files].reduce((total, { size }) => total + size, 0)
  }

  it('never finds a part over that did not grow, to the byte', () => {
    fc.assert(
      fc.property(anyImage, anyImage, anyBudget, (one, other, budget) => {
        const [head, before] = [aMeasurement(made(one)), aMeasurement(made(other))]
        const growth = valueOf(head, budget.scope) - valueOf(before, budget.scope)
        const check = checkOf({ comparison: compare(head, before, builtBase()), head, base: before }, budget)
        expect(check.growth).toBe(growth)
        if (growth <= 0) expect(check.verdict).toBe('within')
        if (check.status === 'over' && budget.budget === 'max-size') {
          expect(check.excess).toBe(valueOf(head, budget.scope) - budget.limit)
        }
      }),
      { numRuns: 500 },
    )
  })
})
