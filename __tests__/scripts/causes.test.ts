import { describe, expect, it } from '@jest/globals'
import type { Finding, RuleId } from '../../src/advice/finding.ts'
import { renderComment } from '../../src/report/comment.ts'
import type { Report } from '../../src/report/report.ts'
import { judge, treesOf } from '../../scripts/causes.ts'
import { CASES, type Case } from '../../scripts/causes/cases.ts'
import type { Outcome } from '../support/change.ts'
import { STATES } from '../support/reports.ts'

describe('the cases of scripts/causes.ts', () => {
  it('have names of their own', () => {
    expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length)
  })

  it.each(CASES)('$id changes files, and its Dockerfiles have the line that is expected', (one) => {
    const { base, change } = treesOf(one)
    if (one.runtime === undefined && one.inputs === undefined) expect(Object.keys(change)).not.toEqual([])
    const lines = [change['Dockerfile'], base['Dockerfile']].flatMap((text) => String(text).split('\n'))
    if ('line' in one.expected) expect(lines).toContainEqual(expect.stringContaining(one.expected.line))
  })

  it('are at least one for each rule of advice that is about bytes or secrets', () => {
    const rules = new Set(CASES.flatMap(({ expected }) => ('unchanged' in expected ? [] : (expected.rules ?? []))))
    const wanted: RuleId[] = [
      'toolchain',
      'package-cache',
      'dev-dependencies',
      'vcs-and-tests',
      'secrets',
      'removed-later',
      'duplicate-files',
      'debug-symbols',
      'single-stage',
      'context-bloat',
    ]
    expect(wanted.filter((rule) => !rules.has(rule))).toEqual([])
  })
})

/** Of the report `over`: its first cause is line 14, `RUN npm ci`. */
function outcomeOf(report: Report, findings: Partial<Finding>[] = []): Outcome {
  const advised = { ...report, images: [{ ...report.images[0]!, findings: findings as Finding[] }] }
  return { report: advised, comment: renderComment({ ...report, images: report.images.slice(0, 1) })[0]!, log: '' }
}

describe('judge', () => {
  const dockerfile = `${'\n'.repeat(13)}RUN npm ci\n\n\nCOPY coverage ./coverage\n`
  const wrongs = (expected: Case['expected'], outcome: Outcome): string[] =>
    judge({ ...CASES[0]!, expected }, outcome, [dockerfile]).wrong
  const over = STATES['over']!

  it('takes the first cause that has the line and one of the words', () => {
    expect(wrongs({ line: 'RUN npm ci', words: ['nowhere', 'NPM'] }, outcomeOf(over))).toEqual([])
  })

  it('refuses another line, other words and missing advice', () => {
    const fresh = [{ rule: 'secrets', since: 'new', paths: ['/app/.env'] }] satisfies Partial<Finding>[]
    expect(wrongs({ line: 'COPY coverage', words: ['npm'] }, outcomeOf(over))).toEqual(['names another line than 17'])
    expect(wrongs({ line: 'RUN npm ci', words: ['yarn'] }, outcomeOf(over))).toEqual(['does not say `yarn`'])
    expect(wrongs({ line: 'RUN npm ci', words: ['npm'], rules: ['toolchain'] }, outcomeOf(over, fresh))).toEqual([
      'does not advise `toolchain` first',
    ])
    expect(wrongs({ rules: ['secrets'], words: ['id_rsa'] }, outcomeOf(over, fresh))).toEqual([
      'has no advice `secrets` on `id_rsa`',
    ])
    expect(wrongs({ rules: ['secrets'], words: ['.env'] }, outcomeOf(over, fresh))).toEqual([])
  })

  it('refuses a cause where nothing has changed, and takes advice of old for none that is new', () => {
    const standing = [{ rule: 'toolchain', since: 'before', paths: [] }] satisfies Partial<Finding>[]
    expect(wrongs({ unchanged: true }, outcomeOf(over))).toEqual(['names a cause', 'the size is another'])
    expect(wrongs({ unchanged: true }, outcomeOf(STATES['unchanged']!, standing))).toEqual([])
  })

  it('never takes an image that was not measured for one that is right', () => {
    expect(wrongs({ unchanged: true }, outcomeOf(STATES['failed']!))).not.toEqual([])
  })
})
