import { describe, expect, it } from '@jest/globals'
import type { Finding } from '../../src/advice/finding.ts'
import { adviceOf, findingWords, moreWords } from '../../src/report/advice.ts'
import { plain } from '../../src/report/phrase.ts'
import { SECRET, finding, imageReport, report, totals } from '../support/reports.ts'

const grown = (...findings: Finding[]) => imageReport({ head: totals({ size: 160_000_000 }), findings })
const words = (overrides: Partial<Finding>): string => plain(findingWords(finding(overrides), report()))

describe('advice', () => {
  it('says what to do, what it saves and where, with one example of many places', () => {
    const place = "npm's cache in /a"
    expect(words({ paths: ['/a'], count: 1 })).toBe(
      `Add --mount=type=cache,target=/root/.npm to the RUN: \u22121.0 MB (${place}, Dockerfile:14)`,
    )
    expect(words({ paths: ['/a', '/b'], count: 2 })).toContain(`(${place}, /b, Dockerfile:14)`)
    expect(words({ paths: ['/a', '/b', '/c'], count: 7 })).toContain(`(${place} and 6 more places, Dockerfile:14)`)
  })

  it('gets nothing back where a secret has to go', () => {
    expect(words(SECRET)).toBe('Add id_rsa to .dockerignore (a private key in /app/id_rsa, Dockerfile:14)')
    expect(adviceOf(grown(finding(SECRET)))?.title).toBe('New in this change')
    expect(adviceOf(grown(finding(SECRET), finding()))?.title).toBe('To get it back')
  })

  it('names the rest by its rules', () => {
    const advice = adviceOf(grown(finding(), finding(), finding(), finding(), finding(SECRET)))
    expect(plain(moreWords(advice!))).toBe('2 more: package-cache \u22121.0 MB, secrets')
  })
})
