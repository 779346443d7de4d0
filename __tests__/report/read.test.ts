import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { annotationsOf } from '../../src/report/annotation.ts'
import { renderComment, renderSummary } from '../../src/report/comment.ts'
import { renderJson } from '../../src/report/json.ts'
import { asOurs, MAX_IMAGES, MAX_REPORT, ofHead, readReport, type Readable } from '../../src/report/read.ts'
import type { Report } from '../../src/report/report.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { outputsOf } from '../../src/github/outputs.ts'
import { hostileReport } from '../support/hostile.ts'
import {
  check,
  DOCUMENTED,
  failedImage,
  HEAD_COMMIT,
  imageReport,
  overImage,
  report,
  STATES,
} from '../support/reports.ts'

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const read = (value: unknown): Report | null => readReport(bytesOf(JSON.stringify(value))).report
const problemOf = (text: string | Uint8Array): string | null =>
  readReport(typeof text === 'string' ? bytesOf(text) : text).problem

/** The report's JSON with one value replaced: `path` as in a problem, `images.0.name`. */
function withValue(path: string, value: unknown, of: Report = report({ images: [overImage()] })): string {
  const keys = path.split('.')
  const copy = structuredClone(of) as unknown as Record<string, unknown>
  const last = keys.pop()!
  const within = keys.reduce((inner, key) => inner[key] as Record<string, unknown>, copy)
  within[last] = value
  return JSON.stringify(copy)
}

/** A list that has the same so many times. */
const listOf = (value: unknown, times: number): unknown[] => Array.from({ length: times }, () => value)

describe('a report that was written', () => {
  it.each([...Object.entries(STATES), ['documented', DOCUMENTED] as const])('is read as it was: %s', (_, written) => {
    expect(readReport(bytesOf(renderJson(written)))).toEqual({ report: written, problem: null })
  })

  it('may have whatever value the type has', () => {
    // The compiler is what tests here: what is read is a Report, and every Report can be read.
    const takes = (written: Report): Readable => written
    expect(takes(DOCUMENTED)).toBe(DOCUMENTED)
  })

  it('may hold anything where texts are', () => {
    fc.assert(
      fc.property(hostileReport, (hostile) => {
        const named = hostile.images.every(({ name }) => name !== '' && name.length <= 200)
        expect(read(hostile) !== null).toBe(named)
      }),
    )
  })
})

describe('what is no report', () => {
  it.each([
    ['nothing', '', /^it is no JSON: Unexpected end/],
    ['half of one', renderJson(report()).slice(0, 1000), /^it is no JSON: /],
    ['a page', '<html>'.repeat(1000), /^it is no JSON: .{0,130}$/],
    ['a list', '[]', /^it is a list of 0, which it never is in a report$/],
    ['a text', '"x"', /^it is `x`, /],
    ['null', 'null', /^it is `null`, /],
    ['another schema', withValue('schema', 2), /^`schema` is `2`, /],
    ['no image', withValue('images', []), /^`images` is a list of 0, /],
    ['an image that is none', withValue('images.0', 3), /^`images\.0` is `3`, /],
    ['a size that is none', withValue('images.0.head.size', -1), /^`images\.0\.head\.size` is `-1`, /],
    ['a size in pieces', withValue('images.0.head.size', 1.5), /^`images\.0\.head\.size` is `1\.5`, /],
    ['a size beyond all', withValue('images.0.head.size', 2 ** 53), /^`images\.0\.head\.size` is `9007199254740992`, /],
    ['a limit in pieces', withValue('images.0.checks.0.limit', 1.5), /^`images\.0\.checks\.0\.limit` is `1\.5`, /],
    ['a name that is long', withValue('images.0.name', 'n'.repeat(201)), /^`images\.0\.name` is `n{120}…`, /],
    ['a name that is none', withValue('images.0.name', ''), /^`images\.0\.name` is ``, /],
    [
      'a text that is long',
      withValue('images.0.layerChanges.0.instruction', 'x'.repeat(10_001)),
      /instruction` is `x{120}…`, /,
    ],
    ['a status of tomorrow', withValue('images.0.checks.0.status', 'fine'), /status` is `fine`, /],
    [
      'a line of control characters',
      withValue('verdict', '\n::error::x\u001b[31m'),
      /^`verdict` is `\\n::error::x\\u001b\[31m`, /,
    ],
    [
      'a key that is not known',
      withValue('images.0.head.more', 1),
      /^`images\.0\.head` has `more`, which no report of this version has$/,
    ],
    ['a key that is long', JSON.stringify({ ...report(), [`k${'x'.repeat(500)}\n`]: 1 }), /^it has `kx{119}…`, /],
    ['a key that is missing', withValue('images.0.trend', undefined), /^`images\.0\.trend` is not there, /],
    ['too many records', withValue('images.0.trend', listOf(null, 21)), /^`images\.0\.trend` is a list of 21, /],
  ])('is told with the place, and what is there, cut and on one line: %s', (_, text, said) => {
    expect(problemOf(text)).toMatch(said)
    expect(problemOf(text)).not.toMatch(/\p{Cc}/u)
  })

  it.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'])('has the key %s anywhere', (key) => {
    const own = `${JSON.stringify(key)}: { "size": 1, "polluted": true }, `
    for (const [place, text] of [
      ['it', renderJson(report()).replace('"schema"', `${own}"schema"`)],
      ['`images.0`', renderJson(report()).replace('"name"', `${own}"name"`)],
      ['`images.0.head`', renderJson(report()).replace('"size"', `${own}"size"`)],
      ['it', renderJson(report()).replace('"schema"', `${own.replace('_', String.raw`\u005f`)}"schema"`)],
    ])
      expect(problemOf(text!)).toBe(`${place} has \`${key}\`, which no report of this version has`)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('does not hide what is missing behind what every object has', () => {
    const { head } = imageReport()
    const inherited = JSON.stringify(report()).replace(JSON.stringify(head), `{"__proto__":${JSON.stringify(head)}}`)
    expect(problemOf(inherited)).toMatch(/^`images\.0\.head\.size` is not there/)
  })

  it('is not in UTF-8', () => {
    const text = renderJson(report({ images: [imageReport({ name: 'caf\u00e9' })] }))
    expect(problemOf(Buffer.from(text, 'latin1'))).toBe('it is no text in UTF-8')
    expect(problemOf(Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe('it is no text in UTF-8')
    // Some editors begin with a mark; it is no part of the text.
    expect(problemOf(`\ufeff${text}`)).toBeNull()
  })
})

describe('what would take too long, or too much memory', () => {
  it('is refused for its bytes', () => {
    expect(problemOf(Buffer.alloc(MAX_REPORT + 1, ' '))).toBe('it has more than 20 MB')
  })

  it('is refused for its depth, however it is hidden', () => {
    const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times)
    for (const text of [
      deep('[', ']', 5_000_000),
      deep('{"a":', '}', 2_000_000),
      `{"schema":1,"images":${deep('[', ']', 30)}}`,
      `{"a\\"[": "]]]]}}}\\\\", "b": ${deep('[{"x":', '}]', 15)}}`,
    ])
      expect(problemOf(text)).toBe('it has more than 20 lists and objects within each other')
    expect(problemOf(JSON.stringify({ text: '['.repeat(1000) }))).not.toContain('within each other')
  })

  it('is refused for its values, before they are made', () => {
    expect(problemOf(`[${'{},'.repeat(6_000_000)}{}]`)).toBe('it has more than 1,000,000 values')
    expect(problemOf(`{${'"a":1,'.repeat(3_000_000)}"b":1}`)).toBe('it has more than 1,000,000 values')
  })

  it('is refused for its images and lists, and told in one sentence', () => {
    expect(problemOf(withValue('images', listOf({}, MAX_IMAGES + 1)))).toBe(
      '`images` is a list of 1001, which it never is in a report',
    )
    expect(problemOf(withValue('images.0.layerChanges', listOf({}, 100_000)))).toMatch(/is a list of 100000/)
    const parts = listOf({ packages: listOf({}, 10) }, 10)
    expect(problemOf(withValue('images.0.layerChanges', listOf({ why: { parts } }, 300)))).toMatch(/^`images\.0\./)
  })
})

describe('what is not believed', () => {
  const own = { version: '9.9.9', repositoryUrl: 'https://github.com/octo-org/shop', runUrl: null }

  it('is who wrote it, where, its verdict, and what somebody is said to have accepted', () => {
    const forged = report({
      verdict: 'within',
      version: '0.0.1',
      repositoryUrl: 'https://evil.example',
      runUrl: 'javascript:alert(1)',
      waiver: { label: 'x', by: 'octocat', at: '2026-01-01T00:00:00Z', problem: null },
      images: [
        imageReport({ verdict: 'error' }),
        overImage({
          name: 'waived',
          verdict: 'within',
          checks: [check({ status: 'waived', excess: 5, growth: 5, accepted: 1_000_000_000 })],
        }),
        overImage({ name: 'soft', verdict: 'over', checks: [check({ level: 'warn', status: 'warned', excess: 5 })] }),
        failedImage({ name: 'failed', verdict: 'within' }),
        imageReport({ name: 'empty', verdict: 'within', head: null }),
        imageReport({
          name: 'unseen',
          verdict: 'within',
          checks: [check({ status: 'skipped', reason: 'not-measured' })],
        }),
      ],
    })
    const believed = asOurs(forged, own)
    expect(believed).toMatchObject({ ...own, verdict: 'error', waiver: null })
    expect(believed.images.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['api', 'within'],
      ['waived', 'over'],
      ['soft', 'within'],
      ['failed', 'error'],
      ['empty', 'error'],
      ['unseen', 'error'],
    ])
    expect(believed.images[1]?.checks).toMatchObject([{ status: 'over', accepted: null }])
  })

  it.each(Object.keys(STATES).filter((state) => !/waive/.test(state)))(
    'changes nothing of a report of ours: %s',
    (state) => {
      const { version, repositoryUrl, runUrl } = STATES[state]!
      const written = { ...STATES[state]!, waiver: null }
      expect(asOurs(written, { version, repositoryUrl, runUrl })).toEqual(written)
    },
  )

  it('is the head that it says it is of, where that is known', () => {
    const [head, merge, forged] = ['b'.repeat(40), 'c'.repeat(40), 'd'.repeat(40)]
    const of = (commit: string | null, pushed: string | null) =>
      ofHead(report({ head: { commit, pushed, dirty: false, reference: null } }), head).head
    expect(of(merge, forged)).toMatchObject({ commit: merge, pushed: head })
    expect(of(merge, head)).toMatchObject({ commit: merge, pushed: head })
    expect(of(head, null)).toMatchObject({ commit: head, pushed: null })
    expect(of(null, null)).toMatchObject({ commit: null, pushed: null })
    expect(HEAD_COMMIT).toHaveLength(40)
  })
})

type Path = (string | number)[]

/** Every place in a value, with what is there. */
function places(value: unknown, at: Path = []): { path: Path; value: unknown }[] {
  const own = { path: at, value }
  if (typeof value !== 'object' || value === null) return [own]
  return [own, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...at, key]))]
}

describe('a report that no run of ours would write', () => {
  /** What reports of ours have under each key: put elsewhere, it says what never goes together. */
  const pool = new Map<string, unknown[]>()
  for (const each of Object.values(STATES))
    for (const { path, value } of places(each)) {
      const key = String(path.at(-1))
      pool.set(key, [...(pool.get(key) ?? []), value])
    }
  const numbers = [0, -1, 1, 1e15, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  const mutated = fc
    .record({
      state: fc.constantFrom(...Object.keys(STATES)),
      changes: fc.array(fc.record({ place: fc.nat(), choice: fc.nat(), isNumber: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
    })
    .map(({ state, changes }) => {
      const copy = structuredClone(STATES[state]!)
      for (const { place, choice, isNumber } of changes) {
        const all = places(copy).filter(({ path }) => path.length > 2)
        const { path, value } = all[place % all.length]!
        const choices = isNumber && typeof value === 'number' ? numbers : pool.get(String(path.at(-1)))!
        const within = path.slice(0, -1).reduce<unknown>((inner, key) => Reflect.get(inner as object, key), copy)
        Reflect.set(within as object, path.at(-1)!, structuredClone(choices[choice % choices.length]))
      }
      return copy
    })

  it('is refused, or shown: nothing is thrown', () => {
    let accepted = 0
    fc.assert(
      fc.property(mutated, (value) => {
        const back = read(value)
        if (back === null) return
        accepted += 1
        const ours = asOurs(back, { version: '1', repositoryUrl: 'https://github.com/octo/shop', runUrl: null })
        for (const page of [...renderComment(ours), renderSummary(ours)]) {
          expect(page).not.toMatch(/undefined|NaN|\[object/)
        }
        expect(renderTerminal(ours, { colour: false, width: 80 })).not.toMatch(/undefined|NaN|\[object/)
        for (const fails of [true, false]) annotationsOf(ours, fails)
        outputsOf(ours)
      }),
      { numRuns: 600 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})
