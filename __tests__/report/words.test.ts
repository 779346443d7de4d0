import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import type { Check } from '../../src/budget/budget.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'
import { fromProse, join, plain, type Phrase } from '../../src/report/phrase.ts'
import type { ImageReport } from '../../src/report/report.ts'
import {
  explanation,
  failureOutput,
  failureWords,
  headline,
  imageHeadline,
  imageStatus,
  limitWords,
  quietWords,
  ratchetWords,
  smallPrint,
  statusWords,
} from '../../src/report/words.ts'
import { familiarName } from '../../src/report/state.ts'
import {
  HEAD_COMMIT,
  OLD_COMMIT,
  STATES,
  budget,
  check,
  failedImage,
  failure,
  imageReport,
  overImage,
  report,
  totals,
  type ImageFacts,
} from '../support/reports.ts'
import { aLayer } from '../support/measurements.ts'

/** Growth over 30 days, 3.1 MB more than is allowed. */
const AGAINST = { commit: OLD_COMMIT, at: '2026-10-22T09:30:00Z', tag: null }
const CREPT: Partial<Check> = {
  budget: 'max-increase',
  over: { kind: 'days', days: 30 },
  limit: 20_000_000,
  actual: 23_100_000,
  status: 'over',
  excess: 3_100_000,
  growth: 1_100_000,
  against: AGAINST,
}

const said = (phrases: Phrase[]) => phrases.map(plain)

describe('headline', () => {
  it.each([
    ['over', 'api is over by 3.9 MB'],
    ['within', 'api is within budget, 1.1 MB larger'],
    ['near', 'api is near its budget: 1.6 MB left'],
    ['over-before', 'api was over before this change'],
    ['smaller', 'api is 21.3 MB smaller'],
    ['unchanged', 'api is the same size as main'],
    ['no-baseline', 'api is near its budget: 6.1 MB left (no comparison)'],
    ['no-budget', 'api is 15.7 MB larger'],
    ['base-image', 'api is within budget, the base image grew by 10.4 MB'],
    ['base-image-over', 'api is over its growth budget by 2.4 MB in the base image'],
    ['base-image-edited', 'api is over its growth budget by 5.6 MB'],
    ['base-image-cap', 'api is over by 3.8 MB since the base image grew'],
    ['soft-limit', 'api is over by 3.9 MB (soft limit)'],
    ['creep', 'api is over its 30-day growth budget by 3.1 MB'],
    ['creep-before', 'api was over before this change'],
    ['creep-near', 'api is near its budget: 400.0 kB of 30-day growth left'],
    ['creep-no-record', 'api is within budget, 15.7 MB larger'],
    ['waived', 'api is over by 3.9 MB (accepted)'],
    ['waiver-void', 'api is over by 3.9 MB'],
    ['parts', 'api is over by 6.3 MB in /app/node_modules and 9.1 MB in package typescript'],
    ['forbidden', 'api has 1 forbidden finding'],
    ['failed', 'api could not be measured'],
    ['not-measured', 'api could not be judged'],
    ['download', 'api is over by 400.0 kB of download'],
    ['by-bytes', 'api is over by 312 B'],
    ['images', '1 of 7 images is over, 1 could not be measured'],
    ['platforms', 'api is over on 1 of 2 platforms'],
  ])('%s: %s', (state, words) => {
    expect(plain(headline(STATES[state] ?? report()))).toBe(words)
  })

  it.each<[string, ImageReport[], string]>([
    ['none', [], 'nothing was measured'],
    ['unchanged', [imageReport(), imageReport({ name: 'web' })], 'both images are within budget'],
    [
      'grown and shrunk',
      [
        imageReport({ head: totals({ size: 150_000_000 }) }),
        imageReport({ name: 'web', head: totals({ size: 140_000_000 }) }),
        imageReport({ name: 'job', base: null, change: null }),
      ],
      'all 3 images are within budget: 1 larger, 1 smaller, 1 with no comparison',
    ],
    ['over', [overImage(), overImage({ name: 'web' }), imageReport({ name: 'job' })], '2 of 3 images are over'],
    ['failed', [failedImage(), imageReport({ name: 'web' })], '1 of 2 images could not be measured'],
    [
      'over and failed on platforms',
      [overImage(), failedImage(), imageReport()],
      'api is over on 1 and could not be measured on 1 of 3 platforms',
    ],
    ['without budgets', [imageReport({ checks: [] }), imageReport({ name: 'web', checks: [] })], '2 images unchanged'],
  ])('of several images, %s', (_, images, words) => {
    expect(plain(headline(report({ images })))).toBe(words)
  })
})

describe('imageHeadline', () => {
  const layersOver = check({
    budget: 'max-layers',
    metric: 'layers',
    unit: 'layers',
    limit: 9,
    actual: 10,
    status: 'over',
    excess: 1,
  })
  const growthOver = check({
    budget: 'max-increase',
    limit: 5_000_000,
    actual: 15_700_000,
    status: 'over',
    excess: 10_700_000,
  })
  const sizeOver = check({ actual: 163_900_000, status: 'over', excess: 3_900_000 })
  const creepOver = check(CREPT)
  const sinceRelease = check({
    ...CREPT,
    over: { kind: 'release' },
    against: { ...AGAINST, tag: 'v1.4' },
  })

  it.each<[string, Check[], string]>([
    ['layers', [layersOver], 'api is over by 1 layer'],
    ['size and layers', [sizeOver, layersOver], 'api is over by 3.9 MB and 1 layer'],
    ['growth alone', [check({ actual: 1 }), growthOver], 'api is over its growth budget by 10.7 MB'],
    ['size, and growth with it', [sizeOver, growthOver], 'api is over by 3.9 MB'],
    [
      'growth, in this change and over times',
      [growthOver, creepOver, sinceRelease],
      'api is over its growth budget by 10.7 MB, its 30-day growth budget by 3.1 MB and its growth budget by 3.1 MB since v1.4',
    ],
    ['size, and growth over time with it', [sizeOver, creepOver], 'api is over by 3.9 MB'],
  ])('says what is over: %s', (_, checks, words) => {
    expect(plain(imageHeadline(overImage({ checks })))).toBe(words)
  })

  it('says that there is no comparison of an image that is over', () => {
    expect(plain(imageHeadline(overImage({ base: null, change: null })))).toBe('api is over by 3.9 MB (no comparison)')
  })

  it('says both where one budget is broken and another cannot be judged', () => {
    const checks = [
      sizeOver,
      check({
        budget: 'max-download-size',
        metric: 'download-size',
        status: 'skipped',
        reason: 'not-measured',
        actual: null,
      }),
    ]
    expect(plain(imageHeadline(imageReport({ verdict: 'error', checks })))).toBe(
      'api could not be judged in full, and is over by 3.9 MB',
    )
  })

  it('says "within" of what has no comparison only if there was a budget', () => {
    expect(plain(imageHeadline(imageReport({ base: null, change: null })))).toBe('api is within budget (no comparison)')
    expect(plain(imageHeadline(imageReport({ base: null, change: null, checks: [] })))).toBe(
      'api is 148.2 MB (no comparison)',
    )
  })

  it('calls a base known by its commit only "the base"', () => {
    const baseline = {
      kind: 'build',
      commit: HEAD_COMMIT,
      ref: HEAD_COMMIT,
      reason: null,
      record: null,
      passedOver: null,
    } as const
    expect(plain(imageHeadline(imageReport({ baseline })))).toBe('api is the same size as the base')
  })
})

describe('statusWords', () => {
  it.each<[Partial<Check>, string, string]>([
    [{}, 'good', 'within'],
    [{ status: 'near', actual: 158_400_000 }, 'warn', 'near: 1.6 MB left'],
    [{ status: 'near', actual: 160_000_000 }, 'warn', 'near: nothing left'],
    [{ status: 'over', excess: 312 }, 'bad', 'over by 312 B'],
    [{ status: 'over', metric: 'layers', unit: 'layers', excess: 2 }, 'bad', 'over by 2 layers'],
    [{ budget: 'max-increase', unit: 'percent', limit: 3, actual: 2.9, status: 'near' }, 'warn', 'near: 0.1 % left'],
    [{ status: 'warned', level: 'warn', excess: 312 }, 'warn', 'over by 312 B'],
    [{ status: 'waived', excess: 312 }, 'warn', 'over by 312 B (accepted)'],
    [{ status: 'over', metric: 'findings', unit: 'findings', excess: 2 }, 'bad', 'not allowed'],
    [{ status: 'skipped', reason: 'base-image', excess: 1 }, 'warn', "not this change's: the base image"],
    [{ status: 'skipped', reason: 'over-before', excess: 1 }, 'warn', 'over before this change'],
    [{ status: 'skipped', reason: 'not-measured', actual: null }, 'bad', 'not measured'],
    [{ status: 'skipped', reason: 'no-baseline', actual: null }, 'none', 'not judged: no comparison'],
    [{ status: 'skipped', reason: 'no-record', actual: null }, 'none', 'not judged: no record'],
    [{ ...CREPT, status: 'near', excess: null, actual: 19_500_000 }, 'warn', 'near: 500.0 kB left'],
  ])('%j: %s, %s', (overrides, tone, words) => {
    expect(statusWords(check(overrides))).toEqual({ tone, words })
  })

  it.each<[Partial<Check>, string]>([
    [{}, '160 MB'],
    [{ budget: 'max-layers', unit: 'layers', limit: 12 }, '12'],
    [{ budget: 'max-increase', limit: 5_000_000 }, '+5 MB'],
    [{ budget: 'max-increase', limit: 0 }, '0 B'],
    [{ level: 'warn' }, '160 MB, soft'],
    [{ budget: 'max-increase', unit: 'percent', limit: 2.5 }, '+2.5 %'],
  ])('limits: %j is %s', (overrides, words) => {
    expect(limitWords(check(overrides))).toBe(words)
  })
})

describe('explanation', () => {
  it.each([
    [
      'over-before',
      [
        'It is 3.9 MB over max-size (160 MB), and was over it on main already. This change does not make it worse, so that is not held against it.',
      ],
    ],
    ['smaller', ['33.1 MB under its budget of 160 MB. The budget could go down to 140 MB: max-size: 140 MB.']],
    ['ratchet', ['The budgets could go down to 170 MB and 57 MB: max-size: 170 MB, max-download-size: 57 MB.']],
    [
      'creep',
      [
        '+23.1 MB since 2026-10-22 (0f1e2d3), 3.1 MB more than the 20 MB allowed over 30 days. This change itself adds 15.7 MB.',
      ],
    ],
    [
      'creep-before',
      [
        '+23.1 MB since 2026-10-22 (0f1e2d3), 3.1 MB more than the 20 MB allowed over 30 days; main was above that already. This change does not make it worse, so that is not held against it.',
      ],
    ],
    ['creep-near', ['+8.5 MB since 2026-10-22 (0f1e2d3), of 8.9 MB allowed over 30 days.']],
    [
      'creep-no-record',
      [
        'max-increase over 30 days (+20 MB) was not judged: the oldest record is 11 days old.',
        'max-increase since the last release (+18 %) was not judged: no recorded commit has a tag.',
      ],
    ],
    ['no-baseline', ['There is nothing to compare with: the base a1b2c3d has no Dockerfile (this change adds it).']],
    [
      'base-image',
      [
        "This change adds 200.0 kB of its own. node:24-slim moved from sha256:11aa01234567 to sha256:22bb01234567 (+10.4 MB), which is not this change's doing and is not counted against max-increase. What changed in it: libssl3 3.0.15 → 3.0.17 (+7.1 MB), libc6 2.36-9 → 2.36-10 (+2.4 MB), 5 more Debian packages (+900.0 kB).",
      ],
    ],
    [
      'base-image-cap',
      [
        'It is 3.8 MB over max-size (155 MB) only since the base image grew, so that is not held against it.',
        "This change adds 200.0 kB of its own. node:24-slim moved from sha256:11aa01234567 to sha256:22bb01234567 (+10.4 MB), which is not this change's doing and is not counted against max-size. What changed in it: libssl3 3.0.15 → 3.0.17 (+7.1 MB), libc6 2.36-9 → 2.36-10 (+2.4 MB), 5 more Debian packages (+900.0 kB).",
      ],
    ],
    // The first of its causes says it.
    ['base-image-edited', []],
    [
      'forbidden',
      [
        'It has 1 finding of the forbidden rule vcs-and-tests, as main has. This change does not make it worse, so that is not held against it.',
      ],
    ],
    ['soft-limit', []],
    ['acceptable', []],
    ['waived', ['mona accepted growth up to +15.7 MB with the label image-budget: accept on 2026-03-01.']],
    [
      'waiver-void',
      [
        'mona accepted +13.6 MB with the label image-budget: accept on 2026-03-01; this is 2.1 MB more, which was not accepted. Set the label anew to accept it.',
      ],
    ],
    [
      'waiver-problem',
      ['The label image-budget: accept accepts nothing: comment is off, so nothing keeps how much was accepted.'],
    ],
    ['parts', []],
    [
      'not-measured',
      [
        'max-size (160 MB) was not judged, since the size is not measured: a layer is not with the image (it is non-distributable). No budget is passed unseen.',
      ],
    ],
    ['over', []],
    ['unchanged', []],
  ])('%s', (state, sentences) => {
    const of = STATES[state] ?? report()
    expect(of.images.flatMap((image) => said(explanation(image, of)))).toEqual(sentences)
  })

  it("tells the base image's part from the change's own, and fails by it only where that is what was asked for", () => {
    expect(STATES['base-image-over']?.images[0]?.checks).toMatchObject([
      { scope: null, status: 'within', actual: 200_000, uncounted: 10_400_000 },
      { scope: { kind: 'base' }, status: 'over', actual: 10_400_000, excess: 2_400_000 },
    ])
    expect(STATES['base-image-edited']?.images[0]?.checks).toMatchObject([
      { budget: 'max-size', status: 'within' },
      { budget: 'max-increase', status: 'over', actual: 10_600_000, excess: 5_600_000 },
    ])
  })

  it('says why a part of the image was not judged', () => {
    const image = imageReport({
      budgets: [{ ...budget('max-size', 50_000_000), scope: { kind: 'stage', of: 'runtme' } }],
      measured: { head: { layers: [aLayer('RUN x', { stage: 'runtime' })] }, base: { layers: [] } },
    })
    expect(said(explanation(image, report()))).toEqual([
      'max-size of the stage runtme (50 MB) was not judged: no layer of the image is of the stage runtme, only of runtime. No budget is passed unseen.',
    ])
  })

  it("claims no part as the change's own, nor a base image, where the layers' origins are not known", () => {
    const of = STATES['unknown-origins'] ?? report()
    expect(plain(headline(of))).toBe('api is within budget, 12.3 MB larger')
    expect(of.images.flatMap((image) => said(explanation(image, of)))).toEqual([])
  })

  it('names both base images where the change names another one of the same size', () => {
    const image = imageReport()
    const baseImage = {
      before: { name: 'docker.io/library/node:24', digest: null, line: null, instruction: null },
      after: { name: 'ghcr.io/octo/node:24', digest: null, line: null, instruction: null },
      change: 'changed',
      why: null,
      doing: 'change',
      growth: { size: 0, downloadSize: null, layers: 0 },
    } as const
    expect(said(explanation({ ...image, baseImage }, report()))).toEqual([
      'The base image is ghcr.io/octo/node:24 now, was node:24.',
    ])
  })

  it('says what is known of base images without a name', () => {
    const image = imageReport()
    const node = { name: 'node:24', digest: null, line: null, instruction: null }
    const growth = { size: 0, downloadSize: null, layers: 0 }
    const of = (before: typeof node | null, after: typeof node | null) =>
      said(
        explanation(
          { ...image, baseImage: { before, after, change: 'changed', doing: 'change', growth, why: null } },
          report(),
        ),
      )
    expect(of(null, node)).toEqual(['The base image is node:24 now, was scratch.'])
    expect(of(node, null)).toEqual(['The base image is scratch now, was node:24.'])
  })

  it("keeps to a reason's first line", () => {
    const baseline = {
      kind: 'none',
      commit: null,
      ref: null,
      reason: 'the base could not be measured: it failed:\noutput',
      record: null,
      passedOver: null,
    } as const
    expect(said(explanation(imageReport({ base: null, change: null, baseline }), report()))).toEqual([
      'There is nothing to compare with: the base could not be measured: it failed.',
    ])
  })

  it.each<[string, Partial<Check>, Partial<ImageReport>, string[]]>([
    [
      'a share of what the record of a release has',
      { over: { kind: 'release' }, unit: 'percent', limit: 10, actual: 12.25, against: { ...AGAINST, tag: 'v1.4' } },
      {},
      ['+12.3 % since v1.4, 3.1 MB more than the 10 % allowed. This change itself adds 1.1 MB.'],
    ],
    [
      'a limit of none',
      { limit: 0, excess: 23_100_000 },
      {},
      ['+23.1 MB since 2026-10-22 (0f1e2d3), where none is allowed over 30 days. This change itself adds 1.1 MB.'],
    ],
    [
      'downloads',
      { metric: 'download-size' },
      {},
      [
        '+23.1 MB of download since 2026-10-22 (0f1e2d3), 3.1 MB more than the 20 MB allowed over 30 days. This change itself adds 1.1 MB of download.',
      ],
    ],
    [
      'an image without a base',
      { growth: null },
      {},
      ['+23.1 MB since 2026-10-22 (0f1e2d3), 3.1 MB more than the 20 MB allowed over 30 days.'],
    ],
    [
      'a record of an empty image',
      { unit: 'percent', limit: 10, actual: null },
      {},
      [
        'Growth since 2026-10-22 (0f1e2d3), 3.1 MB more than the 10 % allowed over 30 days. This change itself adds 1.1 MB.',
      ],
    ],
    [
      'a base image that moved by itself',
      { status: 'skipped', reason: 'base-image', uncounted: 4_000_000 },
      {},
      [
        '+23.1 MB since 2026-10-22 (0f1e2d3), 3.1 MB more than the 20 MB allowed over 30 days, and that only since the base image grew, so it is not held against this change.',
      ],
    ],
    ['what is kept', { status: 'within', excess: null, actual: 1_000_000 }, {}, []],
  ])('tells growth over time: %s', (_, overrides, facts, sentences) => {
    const image = imageReport({ checks: [check({ ...CREPT, ...overrides })], ...facts })
    expect(said(explanation(image, report()))).toEqual(sentences)
  })

  it('tells one reason once for all the limits that it is one of', () => {
    const skipped = { ...CREPT, status: 'skipped', reason: 'no-record', why: 'no `x` was read', excess: null } as const
    const checks = [check(skipped), check({ ...skipped, over: { kind: 'release' }, against: null })]
    expect(said(explanation(imageReport({ checks }), report()))).toEqual([
      'max-increase over 30 days (+20 MB), max-increase since the last release (+20 MB) were not judged: no x was read.',
    ])
  })

  it('calls nothing within budget of which no budget could be judged', () => {
    const checks = [check({ ...CREPT, status: 'skipped', reason: 'no-record', why: 'there is no record yet' })]
    const larger = imageReport({ head: totals({ size: 150_000_000 }), checks })
    expect(plain(imageHeadline(larger))).toBe('api is 1.8 MB larger')
    expect(plain(imageHeadline(imageReport({ base: null, change: null, checks })))).toBe(
      'api is 148.2 MB (no comparison)',
    )
    expect(imageStatus(larger)).toEqual({ tone: 'none', words: 'not judged: no record' })
  })
})

describe('a cap that could be lower', () => {
  const LOOSE = [budget('max-size', 200_000_000)]
  const told = (facts: ImageFacts): string =>
    said(explanation(imageReport({ budgets: LOOSE, ...facts }), report())).join(' ')

  it('is told after a small gain, and where nothing changed', () => {
    expect(told({ head: totals({ size: 147_000_000 }) })).toBe(
      '53.0 MB under its budget of 200 MB. The budget could go down to 170 MB: max-size: 170 MB.',
    )
    expect(told({})).toBe('The budget could go down to 170 MB: max-size: 170 MB.')
  })

  it('is told only of the metric that did not grow', () => {
    const both = [...LOOSE, budget('max-download-size', 90_000_000)]
    const head = totals({ size: 147_000_000, downloadSize: 51_500_000 })
    expect(told({ budgets: both, head })).toMatch(/could go down to 170 MB: max-size: 170 MB\.$/)
  })

  it.each<[string, ImageFacts]>([
    ['grew', { head: totals({ size: 148_200_001 }) }],
    ['is compared with nothing', { base: null }],
    ['breaks another budget', { budgets: [...LOOSE, budget('max-layers', 8)], base: totals({ layers: 8 }) }],
    ['breaks a soft limit', { budgets: [...LOOSE, { ...budget('max-layers', 8), level: 'warn' }] }],
    ['has broken one before', { budgets: [...LOOSE, budget('max-layers', 8)] }],
    ['is near another', { budgets: [...LOOSE, budget('max-layers', 9)] }],
    ['has only a cap that fits', { budgets: [budget('max-size', 180_000_000)] }],
  ])('is not told where the image %s', (_, facts) => {
    expect(told(facts)).not.toContain('could go down')
  })

  it('is ready to be pasted: the input reads exactly the bytes that are proposed', () => {
    const bytes = fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: 2_000_000_000 }), fc.nat({ max: 4e14 }))
    fc.assert(
      fc.property(bytes, fc.integer({ min: 125, max: 400 }), (size, percent) => {
        const sides = totals({ size, downloadSize: Math.ceil(size / 3) })
        const caps = [size, Math.ceil(size / 3)].map((each) => Math.ceil((each * percent) / 100))
        const budgets = [budget('max-size', caps[0]!), budget('max-download-size', caps[1]!)]
        const image = imageReport({ head: sides, base: sides, budgets })
        const lines = ratchetWords(image).flatMap((words) =>
          words.flatMap((piece) => (typeof piece === 'object' && 'code' in piece ? [piece.code] : [])),
        )
        expect(lines).toHaveLength(image.ratchets.length)
        for (const [at, { budget: name, proposed }] of image.ratchets.entries()) {
          const [, key = '', value = ''] = /^([a-z-]+): (.+)$/.exec(lines[at] ?? '') ?? []
          expect(key).toBe(name)
          const { maxSize, maxDownloadSize } = parseInputs({ [key]: value }).limits
          expect(name === 'max-size' ? maxSize : maxDownloadSize).toBe(proposed)
        }
      }),
    )
  })
})

describe('failureWords', () => {
  it('links the place that the message names, adds the instruction and the remedy', () => {
    const words = failureWords(failure(), report())
    expect(words[0]).toContainEqual({ place: { file: 'Dockerfile', line: 14, commit: HEAD_COMMIT } })
    expect(said(words)).toEqual([
      'The build failed at Dockerfile:14 (RUN npm ci): the command ended with exit code 1.',
      'Run docker buildx build . to see the whole output.',
      'No size is reported. Log of the run: https://github.com/octo/shop/actions/runs/123456',
    ])
  })

  it('names the place where the message does not', () => {
    const words = failureWords(failure({ message: 'The build failed', remedy: null }), report({ runUrl: null }))
    expect(said(words)).toEqual(['The build failed.', 'At Dockerfile:14: RUN npm ci.', 'No size is reported.'])
  })

  it('has no place for a failure without one', () => {
    const words = failureWords(
      failure({ message: 'docker was not found', file: null, line: null, instruction: null }),
      report(),
    )
    expect(said(words)[0]).toBe('docker was not found.')
    expect(words).toHaveLength(3)
  })

  it('says all that is wrong with the inputs, a sentence each', () => {
    const message = '`max-size` is `x`: give it as `160 MB`\n`fail` is `maybe`: `true` or `false`.'
    const wrong = failure({ kind: 'input', message, remedy: null, file: null, line: null, instruction: null })
    expect(said(failureWords(wrong, report({ runUrl: null })))).toEqual([
      'max-size is x: give it as 160 MB.',
      'fail is maybe: true or false.',
      'No size is reported.',
    ])
    expect(failureOutput(wrong)).toBe('')
  })

  it('ends a sentence that leads to output with a full stop', () => {
    const words = failureWords(
      failure({ message: '`before-build` failed with exit code 1:\nno such file', line: null }),
      report(),
    )
    expect(said(words)[0]).toBe('before-build failed with exit code 1.')
  })

  it("keeps the tool's output apart from the sentence", () => {
    expect(failureOutput(failure({ message: 'It failed\nline 1\n\nline 2\n' }))).toBe('line 1\n\nline 2')
    expect(failureOutput(failure({ message: 'It failed' }))).toBe('')
  })
})

describe('quietWords', () => {
  it('names every budget', () => {
    const checks = [
      check(),
      check({ budget: 'max-download-size', metric: 'download-size', limit: 55_000_000, actual: 51_000_000 }),
      check({ budget: 'max-layers', metric: 'layers', unit: 'layers', limit: 12, actual: 9 }),
      check({ budget: 'max-increase', limit: 5_000_000, actual: 0 }),
    ]
    const both = totals({ downloadSize: 51_000_000 })
    expect(plain(quietWords(imageReport({ checks, head: both, base: both })))).toBe(
      'api is the same size as main (148.2 MB, budget 160 MB; 51.0 MB to download, budget 55 MB; 9 layers, budget 12; growth budget +5 MB).',
    )
  })

  it('tells how far growth over time has come', () => {
    const checks = [
      check(),
      check({ ...CREPT, status: 'within', actual: 7_400_000, excess: null }),
      check({
        ...CREPT,
        over: { kind: 'release' },
        status: 'within',
        actual: 5_100_000,
        against: { ...AGAINST, tag: 'v1.4' },
      }),
      check({ ...CREPT, status: 'skipped', reason: 'no-record', actual: null, excess: null, against: null }),
    ]
    expect(plain(quietWords(imageReport({ checks })))).toBe(
      'api is the same size as main (148.2 MB, budget 160 MB; +7.4 MB since 2026-10-22, budget +20 MB; +5.1 MB since v1.4, budget +20 MB).',
    )
  })

  it('speaks of the download where that is what is measured', () => {
    const download = totals({ size: null, downloadSize: 51_000_000 })
    expect(plain(quietWords(imageReport({ budgets: [], head: download, base: download })))).toBe(
      'api is the same download size as main (51.0 MB to download).',
    )
  })
})

describe('the label that accepts growth', () => {
  const printed = (state: string): string => {
    const of = STATES[state] ?? report()
    return plain(join(smallPrint(of.images[0] ?? imageReport(), of), ' · '))
  }

  it('is told where it would help', () => {
    expect(printed('acceptable')).toContain('add the label image-budget: accept to accept +15.7 MB')
    for (const state of ['over', 'waived', 'waiver-void', 'waiver-problem'])
      expect(printed(state)).not.toContain('label')
  })

  it('is not told where it could not be looked up', () => {
    const over = STATES['over']?.images[0] ?? imageReport()
    const waiver = { label: 'ok', by: null, at: null, problem: 'it could not be looked up' }
    for (const images of [[over], [over, imageReport()]])
      expect(plain(join(smallPrint(over, report({ images, waiver })), ' · '))).not.toContain('label')
  })

  it('is told once for several images, without their amounts', () => {
    const over = STATES['over']?.images[0] ?? imageReport()
    const of = report({ images: [over, imageReport()], waiver: { label: 'ok', by: null, at: null, problem: null } })
    for (const image of of.images)
      expect(plain(join(smallPrint(image, of), ' · '))).toMatch(/ · add the label ok to accept what grew$/)
  })

  it('is told with all that it would accept, and not where it could accept nothing', () => {
    const waiver = { label: 'ok', by: null, at: null, problem: null }
    const layers = imageReport({ head: totals({ layers: 11 }), budgets: [budget('max-layers', 10)] })
    expect(plain(join(smallPrint(layers, report({ waiver })), ' · '))).toContain('add the label ok to accept +2 layers')
    const parts = STATES['parts']?.images[0] ?? imageReport()
    expect(plain(join(smallPrint(parts, report({ waiver })), ' · '))).toContain(
      'to accept +12.3 MB in its own layers, +12.3 MB in /app/node_modules and +9.1 MB in package typescript',
    )
    const forbidden = STATES['forbidden']?.images[0] ?? imageReport()
    expect(plain(join(smallPrint(forbidden, report({ waiver })), ' · '))).not.toContain('label')
  })
})

it('prints platform, baseline and engine small', () => {
  expect(plain(join(smallPrint(imageReport(), report()), ' · '))).toBe(
    'linux/amd64 · base built from a1b2c3d · Docker 28.0.4, classic store',
  )
  const engine = { driver: 'docker-container', store: 'buildkit', version: '0.21.0', buildx: '0.21.2' } as const
  expect(plain(join(smallPrint(imageReport({ engine, base: null, platform: null }), report()), ' · '))).toBe(
    'BuildKit 0.21.0 (docker-container)',
  )
})

it('writes references as Dockerfiles do', () => {
  expect(['docker.io/library/node:24', 'docker.io/octo/shop:1', 'ghcr.io/library/x'].map(familiarName)).toEqual([
    'node:24',
    'octo/shop:1',
    'ghcr.io/library/x',
  ])
})

it.each([
  ['the base `a1b2c3d` has no `Dockerfile`', ['the base ', { code: 'a1b2c3d' }, ' has no ', { code: 'Dockerfile' }]],
  ['an odd ` stays', ['an odd ` stays']],
  ['plain', ['plain']],
])('reads code between backticks: %j', (sentence, words) => {
  expect(fromProse(sentence)).toEqual(words)
})
