import { describe, expect, it } from '@jest/globals'
import { judge } from '../../src/budget/judge.ts'
import { compare } from '../../src/compare/compare.ts'
import { CouldNotMeasure } from '../../src/failure.ts'
import { assembleReport, type FailedImage, type JudgedImage, type ReportParts } from '../../src/report/assemble.ts'
import { aMeasurement, builtBase } from '../support/measurements.ts'
import { budget } from '../support/reports.ts'

function judged(name: string, maxSize: number): JudgedImage {
  const head = aMeasurement({ name })
  const comparison = compare(head, aMeasurement({ name }), builtBase())
  const grown = { ...comparison, base: { ...comparison.head, size: 1 } }
  return {
    comparison: grown,
    findings: [],
    trend: [],
    ratchets: [],
    ...judge({ comparison: grown, head, base: head }, [budget('max-size', maxSize)], []),
  }
}

const failed: FailedImage = {
  name: 'worker',
  platform: null,
  failure: new CouldNotMeasure('build', 'The build failed at Dockerfile:14', { file: 'Dockerfile', line: 14 }).failure,
  baseline: builtBase({ kind: 'none', reason: 'the head was not built' }),
}

function report(images: ReportParts['images']): ReturnType<typeof assembleReport> {
  return assembleReport({
    version: '0.1.0',
    images,
    gonePlatforms: [],
    waiver: null,
    head: { commit: 'd4e5f6a', pushed: null, dirty: false, reference: null },
    repositoryUrl: 'https://github.com/octo-org/shop',
    runUrl: null,
  })
}

describe('assembleReport', () => {
  it('carries what was compared and judged, and where', () => {
    const api = judged('api', 4_000_000)
    const { images, ...rest } = report([api])
    expect(rest).toEqual({
      schema: 1,
      version: '0.1.0',
      verdict: 'within',
      gonePlatforms: [],
      waiver: null,
      head: { commit: 'd4e5f6a', pushed: null, dirty: false, reference: null },
      repositoryUrl: 'https://github.com/octo-org/shop',
      runUrl: null,
    })
    expect(images).toMatchObject([
      {
        name: 'api',
        platform: 'linux/amd64',
        verdict: 'within',
        error: null,
        head: { size: 3_000_000, layers: 3, ownSize: 2_000_000 },
        baseline: builtBase(),
        layerChanges: [{ change: 'unchanged' }, { change: 'unchanged' }, { change: 'unchanged' }],
        checks: [{ budget: 'max-size', status: 'within' }],
      },
    ])
  })

  it('shows no size of an image that could not be measured, and why', () => {
    expect(report([failed]).images).toEqual([
      {
        name: 'worker',
        platform: null,
        source: null,
        sizeFrom: null,
        unlikeDownloads: null,
        unmeasured: { size: null, downloadSize: null },
        verdict: 'error',
        error: failed.failure,
        untouched: false,
        engine: null,
        head: null,
        base: null,
        change: null,
        baseline: failed.baseline,
        baseImage: null,
        layerChanges: [],
        packages: null,
        warnings: [],
        findings: [],
        checks: [],
        trend: [],
        ratchets: [],
      },
    ])
  })

  it('shows no figure of an image that the change does not touch, and passes', () => {
    const { verdict, images } = report([{ name: 'worker', untouchedSince: { commit: 'c'.repeat(40), ref: 'main' } }])
    expect(verdict).toBe('within')
    expect(images).toMatchObject([
      {
        name: 'worker',
        platform: null,
        verdict: 'within',
        error: null,
        untouched: true,
        head: null,
        base: null,
        change: null,
        baseline: { kind: 'none', commit: 'c'.repeat(40), ref: 'main' },
        checks: [],
      },
    ])
  })

  it('keeps the order of the images, failed ones among them', () => {
    const { images } = report([judged('web', 4_000_000), failed, judged('api', 4_000_000)])
    expect(images.map(({ name }) => name)).toEqual(['web', 'worker', 'api'])
  })

  it('has the worst verdict of its images', () => {
    const within = judged('web', 4_000_000)
    const over = judged('api', 2_000_000)
    expect(report([within]).verdict).toBe('within')
    expect(report([over, within]).verdict).toBe('over')
    expect(report([over, failed, within]).verdict).toBe('error')
  })

  it('is no success when nothing was measured', () => {
    expect(report([]).verdict).toBe('error')
  })
})
