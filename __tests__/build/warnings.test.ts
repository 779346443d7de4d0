import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { readWarnings } from '../../src/build/warnings.ts'

/** Captured by `__tests__/support/capture-builds.ts`. */
function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`fixtures/warnings/${name}.json`, import.meta.url), 'utf8'))
}

const encoded = (text: string) => ({ short: Buffer.from(text).toString('base64') })

describe.each(['classic', 'containerd'])('on the %s store', (store) => {
  test('each check is told with its name, line and explanation', () => {
    expect(readWarnings(fixture(`checks.${store}`), [])).toEqual([
      {
        rule: 'FromAsCasing',
        message: "'as' and 'FROM' keywords' casing do not match",
        line: 1,
        url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
      },
      {
        rule: 'SecretsUsedInArgOrEnv',
        message: 'Do not use ARG or ENV instructions for sensitive data (ENV "API_KEY")',
        line: 5,
        url: 'https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/',
      },
      {
        rule: 'WorkdirRelativePath',
        message: 'Relative workdir "hunter3" can have unexpected results if the base image changes',
        line: 7,
        url: 'https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/',
      },
    ])
  })

  test('no value of a build argument is told', () => {
    const told = readWarnings(fixture(`checks.${store}`), ['hunter3'])
    expect(JSON.stringify(told)).not.toContain('hunter')
    expect(told[2]!.message).toBe('Relative workdir "…" can have unexpected results if the base image changes')
  })

  test('a Dockerfile that has nothing wrong has none', () => {
    expect(readWarnings(fixture(`none.${store}`), [])).toEqual([])
  })
})

test('what several platforms say is told once', () => {
  const checks = fixture('checks.classic') as unknown[]
  expect(readWarnings([...checks, ...checks], [])).toHaveLength(3)
})

test('what is no check, or not of the known form, is left out', () => {
  const strange = [
    encoded('No output specified with docker-container driver'),
    { short: 1 },
    { short: '' },
    null,
    'FromAsCasing',
    { ...encoded('A: b'), url: 'https://docs.docker.com/x' },
    { ...encoded('FromAsCasing: x'), range: [{ start: { line: -1 } }] },
    { ...encoded('FromAsCasing: one\ntwo') },
  ]
  expect(readWarnings(strange, [])).toEqual([])
  for (const told of [undefined, null, {}, 'x', 1]) expect(readWarnings(told, [])).toEqual([])
})

test('is bounded, and links to nowhere else', () => {
  const many = Array.from({ length: 5_000 }, (_, at) => encoded(`FromAsCasing: ${at}${'x'.repeat(5_000)}`))
  const told = readWarnings(many, [])
  expect(told).toHaveLength(100)
  expect(told[0]!.message).toHaveLength(300)
  expect(readWarnings([{ ...encoded('FromAsCasing: x'), url: 'https://evil.test/' }], [])).toEqual([
    { rule: 'FromAsCasing', message: 'x', line: null, url: null },
  ])
})
