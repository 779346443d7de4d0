import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { parseInputs, type BakeTarget } from '../../src/inputs/inputs.ts'
import { recipeOf, unlikeRecipe, type RecipeRun } from '../../src/record/recipe.ts'
import type { Recipe } from '../../src/record/record.ts'
import { parseRecord, renderRecord } from '../../src/record/schema.ts'
import { aRecord, commitOf } from '../support/records.ts'

const RUN: RecipeRun = { cwd: '/repo', root: '/repo', env: {}, commits: [commitOf('a')], volatile: [] }

function recipe(inputs: Record<string, string>, run: Partial<RecipeRun> = {}): Recipe {
  return recipeOf(parseInputs(inputs), { ...RUN, ...run })
}

function unlike(
  before: Record<string, string>,
  now: Record<string, string>,
  run: Partial<RecipeRun> = {},
): string | null {
  return unlikeRecipe(recipe(before, run), recipe(now, run))
}

describe('a recipe', () => {
  it('is the same for what is the same: defaults, and other ways to write a path', () => {
    expect(unlike({}, { context: '.', file: './Dockerfile' })).toBeNull()
    expect(unlike({ context: 'app' }, { context: './app/', file: 'app/Dockerfile' })).toBeNull()
    expect(unlike({ context: 'app' }, { context: '/repo/app' })).toBeNull()
    expect(unlike({ 'build-args': 'A=1\nB=2' }, { 'build-args': 'B=2\nA=0\nA=1' })).toBeNull()
    expect(
      unlike({ 'build-contexts': 'a=docker-image://a\nb=./b' }, { 'build-contexts': 'b=./b\na=docker-image://a' }),
    ).toBeNull()
    expect(unlike({ 'cache-from': 'type=gha', 'max-size': '1 MB' }, { platforms: 'linux/amd64' })).toBeNull()
  })

  it('of a target of a bake file has which one it is, and the arguments that a run may have shaped', () => {
    const bake = { target: 'api', asked: [], files: ['docker-bake.hcl'], folder: '.', context: null, args: { V: '1' } }
    const recipeFor = (change: Partial<BakeTarget>, values: Record<string, string> = {}): Recipe =>
      recipeOf({ ...parseInputs(values), bake: { ...bake, ...change } }, RUN)
    const unlikeTarget = (change: Partial<BakeTarget>, values?: Record<string, string>): string | null =>
      unlikeRecipe(recipeFor({}), recipeFor(change, values))
    expect(unlikeTarget({ folder: './', asked: ['api', 'other'] })).toBeNull()
    expect(unlikeTarget({ target: 'worker' })).toBe('`bake-targets` is another one')
    expect(unlikeTarget({ files: [] })).toBe('`bake-files` is another one')
    expect(unlikeTarget({ folder: 'sub' })).toBe('`bake-files` is another one')
    expect(unlikeTarget({ args: { V: '2' } })).toBe('the build argument `V` has another value')
    expect(unlikeTarget({ args: {} }, { 'build-args': 'V=1' })).toBeNull()
    expect(unlikeTarget({ context: 'app' })).toBe('`context` is another one')
    expect(unlikeTarget({}, { file: 'app/Dockerfile' })).toBe('`file` is another one')
    expect(unlikeRecipe(recipe({}), recipeFor({}))).toContain('`bake-files` is another one')
  })

  it('has, of each part, a checksum that tells nothing of it, and is a record’s', () => {
    const found = recipe({
      target: 'runtime',
      'build-args': 'TOKEN=hunter2\nEMPTY=',
      'before-build': 'make',
      'build-contexts': 'a=b',
    })
    expect(Object.keys(found)).toEqual([
      'before-build',
      'build-args EMPTY',
      'build-args TOKEN',
      'build-contexts',
      'context',
      'file',
      'target',
    ])
    for (const checksum of Object.values(found)) expect(checksum).toMatch(/^[0-9a-f]{4}$/)
    // printf 'target\0runtime' | sha256sum
    expect(found['target']).toBe('d813')
    expect(parseRecord(renderRecord(aRecord({ recipe: found })))?.recipe).toEqual(found)
  })

  it('can be kept whatever the build arguments are called', () => {
    const long = `${'x'.repeat(2_000)}.y-z`
    const found = recipe({ 'build-args': `${long}=1\n__proto__=2\nconstructor=3` })
    expect(parseRecord(renderRecord(aRecord({ recipe: found })))?.recipe).toEqual(found)
    expect(Object.keys(found)).toHaveLength(5)
  })

  it('takes an argument without a value from the environment', () => {
    const given = (env: Record<string, string>): Recipe => recipe({ 'build-args': 'VERSION' }, { env })
    expect(given({ VERSION: '2' })).toEqual(recipe({ 'build-args': 'VERSION=2' }))
    expect(unlikeRecipe(given({ VERSION: '1' }), given({ VERSION: '2' }))).not.toBeNull()
    expect(unlikeRecipe(given({}), given({ VERSION: '' }))).not.toBeNull()
  })

  const values = fc.string({
    unit: fc.constantFrom('a', '1', '.', '-', '/', ' ', '$', '\\', 'é'),
    minLength: 1,
    maxLength: 8,
  })

  it('is another one for whatever else is given', () => {
    fc.assert(
      fc.property(values, values, (before, now) => {
        const [one, other] = [`x${before}x`, `x${now}x`]
        for (const input of ['before-build', 'build-args', 'build-contexts']) {
          const given = (value: string): Record<string, string> => ({
            [input]: input === 'before-build' ? value : `KEY=${value}`,
          })
          const [was, is] = [recipe(given(one)), recipe(given(other))]
          expect(unlikeRecipe(was, is) === null).toBe(before === now)
        }
      }),
      // Of 65,536 checksums two may be the same: not those of these values.
      { seed: 5 },
    )
    for (let at = 0; at < 100; at++)
      expect(unlike({ 'build-args': `A=${at}` }, { 'build-args': `A=${at + 1_000}` })).toContain(
        '`A` has another value',
      )
  })

  describe('is the same in another run', () => {
    const commits = [commitOf('one'), commitOf('other')]
    const runs = [
      {
        commits: [commitOf('one'), commitOf('its head')],
        volatile: ['1187', '12345678901', 'feature/(new|old)*+[x', 'refs/heads/main'],
      },
      { commits: [commitOf('other')], volatile: ['88', '12345999999', '43/merge', 'refs/pull/43/merge'] },
    ] as const

    function inEach(
      written: (run: { commit: string; number: string; id: string; name: string; ref: string; time: string }) => string,
    ): (string | null)[] {
      const recipes = runs.map((run, at) => {
        const [number, id, name, ref] = run.volatile
        const time = `2026-11-2${at}T1${at}:00:0${at}Z`
        const value = written({ commit: commits[at]!, number, id, name, ref, time })
        return [`A=${value}`, value].map((text, which) =>
          recipe({ [which === 0 ? 'build-args' : 'before-build']: text.replaceAll('"', '') }, run),
        )
      })
      return [0, 1].map((which) => unlikeRecipe(recipes[0]![which]!, recipes[1]![which]!))
    }

    it.each([
      ['the commit', ({ commit }) => commit],
      ['the commit in a sentence', ({ commit }) => `at ${commit}, built`],
      ['its short form', ({ commit }) => `sha-${commit.slice(0, 7)}`],
      ['a longer one', ({ commit }) => `1.0.0+${commit.slice(0, 12)}`],
      ['as git describes it', ({ commit, number }) => `v1.0.0-${number}-g${commit.slice(0, 9)}`],
      ['the run’s number', ({ number }) => `1.0.${number}`],
      ['the run’s id', ({ id }) => `https://github.com/octo/shop/actions/runs/${id}/attempts/1`],
      ['the branch', ({ name }) => name],
      ['the branch in a tag', ({ name }) => `shop:${name.replaceAll(/[^0-9A-Za-z._-]+/g, '-')}`],
      ['the ref', ({ ref }) => `ref=${ref}`],
      ['the time', ({ time }) => time],
      ['the day', ({ time }) => `nightly-${time.slice(0, 10)}`],
      ['the time without seconds, with a zone', ({ time }) => time.replace(/:\d\dZ/, '+01:00')],
      ['the time as docker’s metadata action has it', ({ time }) => time.replace('Z', '.123Z')],
      ['all of it', ({ commit, number, id, name, time }) => `${time} ${commit} ${number} ${id} ${name}`],
    ] satisfies [string, Parameters<typeof inEach>[0]][])('that has another %s', (_, written) => {
      expect(inEach(written)).toEqual([null, null])
    })

    it.each([
      ['that only begins like it', ({ commit }) => `${commit.slice(0, 7)}fff`],
      ['that is too short to be one', ({ commit }) => commit.slice(0, 6)],
      ['of which it is a part', ({ number }) => `x${number}y`],
      ['that is a part of a longer number', ({ time }) => `9${time.slice(0, 10)}`],
      ['of another kind', ({ time }) => time.replaceAll(/\D/g, '')],
    ] satisfies [string, Parameters<typeof inEach>[0]][])('but not for a word %s', (_, written) => {
      expect(inEach(written)).not.toContain(null)
    })

    it('whatever stands around it', () => {
      const around = fc.string({
        unit: fc.constantFrom('a', '.', '-', ' ', ':', '/', '+', 'g', '_', '$&', '('),
        maxLength: 6,
      })
      fc.assert(
        fc.property(around, around, (before, after) => {
          expect(inEach(({ commit }) => `${before} ${commit.slice(0, 8)} ${after}`)).toEqual([null, null])
        }),
      )
    })

    it('and what differs from run to run leaves the rest: another value is another recipe', () => {
      const [one, other] = ['v1', 'v2'].map((version) =>
        recipe({ 'build-args': `A=${version} ${commits[0]} 2026-11-21` }, runs[0]),
      )
      expect(unlikeRecipe(one!, other!)).toBe('the build argument `A` has another value')
    })
  })

  it('is had of long values, and of names without end, in no time', () => {
    const value = `${'2026-11-21T10:00'.repeat(20_000)}${'-1'.repeat(100_000)}${'0'.repeat(200_000)}`
    const volatile = ['x'.repeat(100_000), '', '-'.repeat(400)]
    expect(recipe({ 'build-args': `A=${value}` }, { volatile })).toHaveProperty('build-args A')
  })
})

describe('why two recipes are unlike', () => {
  it.each([
    [{}, { target: 'debug' }, '`target` is another one'],
    [{ context: 'a' }, { context: 'b' }, '`context` is another one'],
    [{}, { file: 'b/Dockerfile' }, '`file` is another one'],
    [{ 'build-args': 'VERSION=1' }, { 'build-args': 'VERSION=2' }, 'the build argument `VERSION` has another value'],
    [{}, { 'build-args': 'VERSION=1' }, 'the build argument `VERSION` is new'],
    [{ 'build-args': 'VERSION=1' }, {}, 'the build argument `VERSION` is gone'],
    [{ 'before-build': 'make' }, {}, '`before-build` is another one'],
    [{ 'build-contexts': 'a=b' }, { 'build-contexts': 'a=c' }, '`build-contexts` is another one'],
    [
      { 'build-args': 'A=1', target: 'a' },
      { 'build-args': 'A=2', target: 'b' },
      'the build argument `A` has another value, and `target` is another one',
    ],
    [
      { 'build-args': 'A=1\nB=1\nC=1\nD=1' },
      { 'build-args': 'A=2\nB=2' },
      'the build argument `A` has another value, the build argument `B` has another value, the build argument `C` is gone, and 1 input differs besides',
    ],
  ])('%j, %j: %s', (before, now, clause) => {
    expect(unlike(before as unknown as Record<string, string>, now as unknown as Record<string, string>)).toBe(clause)
  })

  it('is said in few words, however many parts there are', () => {
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, at) => [`build-args ${'K'.repeat(196)}${at}`, '0000']),
    )
    const clause = unlikeRecipe({}, many)!
    expect(clause).toMatch(/, and 997 inputs differ besides$/)
    expect(clause.length).toBeLessThan(900)
  })

  it('is nothing for a recipe and itself, and the same parts either way', () => {
    const any = fc.dictionary(
      fc.constantFrom('target', 'build-args A', 'constructor', 'toString'),
      fc.constantFrom('0000', '1111'),
    )
    fc.assert(
      fc.property(any, any, (one, other) => {
        expect(unlikeRecipe(one, { ...one })).toBeNull()
        const named = (clause: string | null) => clause?.match(/`[^`]+`/g)
        expect(named(unlikeRecipe(one, other))).toEqual(named(unlikeRecipe(other, one)))
        if (unlikeRecipe(one, other) === null) expect(other).toEqual(one)
      }),
    )
  })
})
