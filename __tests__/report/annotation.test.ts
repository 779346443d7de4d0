import { describe, expect, it } from '@jest/globals'
import { annotationsOf } from '../../src/report/annotation.ts'
import {
  STATES,
  failedImage,
  finding,
  imageReport,
  layer,
  layers,
  overImage,
  report,
  totals,
} from '../support/reports.ts'

describe('annotations', () => {
  it('stand at the lines that grew, the verdict with the first, and at those that advice is about', () => {
    expect(annotationsOf(STATES['over'] ?? report(), true)).toEqual([
      {
        level: 'error',
        title: 'Image budget: api is over by 3.9 MB',
        message: expect.stringMatching(/^RUN npm ci \+12\.3 MB in \/app\/node_modules: typescript/),
        place: { file: 'Dockerfile', line: 14 },
      },
      {
        level: 'warning',
        title: 'Image budget: +3.4 MB',
        message: 'COPY coverage ./coverage +3.4 MB, new: /app/coverage',
        place: { file: 'Dockerfile', line: 17 },
      },
      {
        level: 'notice',
        title: 'Image budget: dev-dependencies',
        message: expect.stringContaining('npm ci --omit=dev'),
        place: { file: 'Dockerfile', line: 14 },
      },
      {
        level: 'notice',
        title: 'Image budget: vcs-and-tests',
        message: expect.stringContaining('.dockerignore'),
        place: { file: 'Dockerfile', line: 17 },
      },
    ])
  })

  it('say of growth over time which budget it breaks, at the line that this change grew by', () => {
    expect(annotationsOf(STATES['creep'] ?? report(), true)[0]).toMatchObject({
      level: 'error',
      title: 'Image budget: api is over its 30-day growth budget by 3.1 MB',
      place: { file: 'Dockerfile', line: 14 },
    })
    expect(annotationsOf(STATES['creep-before'] ?? report(), false)).toEqual([])
  })

  it('warn of a secret, whatever the size', () => {
    const secret = finding({ rule: 'secrets', bytes: null, added: null, what: ['a private key'] })
    const images = [imageReport({ findings: [secret, finding({ since: 'before' })] })]
    expect(annotationsOf(report({ images }), false)).toEqual([
      expect.objectContaining({
        level: 'warning',
        title: 'Image budget: secrets',
        place: { file: 'Dockerfile', line: 14 },
      }),
    ])
  })

  it('are none where nothing grew, and one on the run where the job fails without a line', () => {
    expect(annotationsOf(report(), false)).toEqual([])
    const layerChanges = layers([layer({ change: 'changed', sizeAfter: 60_000_000, file: null, line: null })])
    const images = [overImage({ layerChanges, findings: [] })]
    expect(annotationsOf(report({ images }), true)).toEqual([expect.objectContaining({ level: 'error', place: null })])
  })

  it('never are more than GitHub shows', () => {
    const grown = Array.from({ length: 30 }, (_, at) =>
      layer({ change: 'changed', line: at + 1, sizeAfter: 45_000_000 }),
    )
    const images = [imageReport({ head: totals({ size: 178_200_000 }), layerChanges: layers(grown) })]
    expect(annotationsOf(report({ images }), true).length).toBeLessThanOrEqual(10)
  })

  it('say at the line that failed what failed', () => {
    expect(annotationsOf(report({ images: [failedImage()] }), true)).toEqual([
      expect.objectContaining({ level: 'error', place: { file: 'Dockerfile', line: 14 } }),
    ])
  })
})
