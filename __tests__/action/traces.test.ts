import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { docker, engines } from '../support/engine.ts'
import { openPullRequest } from '../support/pull-request.ts'
import type { TestRepository } from '../support/repository.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** What a run leaves behind: a report, and nothing else anywhere. */

/** Everything of a checkout that a user could miss: every file's content, mode and time, git's own included. */
function stateOf({ dir, git }: TestRepository): object {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // A fetch adds objects: nothing that was there changes.
    .filter((file) => !file.includes('/.git/objects/') && !file.endsWith('/.git/shallow'))
    .toSorted()
    .map((file) => {
      const { mode, mtimeMs } = statSync(file)
      return [file, mode, mtimeMs, createHash('sha256').update(readFileSync(file)).digest('hex')]
    })
  return {
    files,
    head: git('rev-parse', 'HEAD'),
    refs: git('for-each-ref'),
    worktrees: git('worktree', 'list'),
    stash: git('stash', 'list'),
  }
}

/** Processes whose command line mentions `text`. */
function processesOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const file = `/proc/${pid}/cmdline`
      const line = existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : ''
      return line.includes(text) ? [line] : []
    })
}

/** Seconds that tell our `sleep` from any other on this machine. */
const NAP = 300_000 + process.pid

describe.each(engines())('$store store', (engine) => {
  const { env } = engine
  it('the checkout, the engine and the temporary folder are as they were', async () => {
    const label = `traces=${crypto.randomUUID()}`
    const dockerfile = `FROM image-budget/base:1\nLABEL ${label}\nCOPY . /app\n`
    const change = openPullRequest({ Dockerfile: dockerfile, a: 'a' }, { b: 'b' })
    // Work that a user or an earlier step has under way.
    change.checkout.git('config', 'core.hooksPath', join(change.checkout.dir, 'hooks'))
    const before = stateOf(change.checkout)
    const temp = change.temp()

    const result = await change.run(env, { temp, inputs: { comment: 'off' } })

    expect(result.exitCode).toBe(0)
    expect(stateOf(change.checkout)).toEqual(before)
    expect(change.checkout.git('status', '--porcelain')).toBe('')
    expect(readdirSync(join(temp, '_temp')).toSorted()).toEqual(['_runner_file_commands', 'image-budget'])
    expect(readdirSync(join(temp, '_temp', 'image-budget'))).toEqual([expect.stringMatching(/^shop-/)])
    expect(docker(engine, 'images', '--all', '--quiet', '--filter', `label=${label}`)).toBe('')
    expect(docker(engine, 'ps', '--all', '--quiet', '--filter', `label=${label}`)).toBe('')
    change.dispose()
  })

  it('a base that was built beside a change that fails leaves no image', async () => {
    const label = `traces=${crypto.randomUUID()}`
    const change = openPullRequest(
      { Dockerfile: `FROM image-budget/base:1\nLABEL ${label}\n` },
      { Dockerfile: `FROM image-budget/base:1\nLABEL ${label}\nRUN sleep 2; exit 1\n` },
    )
    expect(await change.run(env, { inputs: { comment: 'off' } })).toMatchObject({ exitCode: 2 })
    expect(docker(engine, 'images', '--all', '--quiet', '--filter', `label=${label}`)).toBe('')
    change.dispose()
  })

  it('an image of the user’s that is the very same stays, with its names', async () => {
    const change = openPullRequest(
      { Dockerfile: `FROM image-budget/base:1\nLABEL user=${crypto.randomUUID()}\nCOPY a /a\n`, a: 'a' },
      { 'README.md': '' },
    )
    const tag = `users-own:${crypto.randomUUID()}`
    docker(engine, 'build', '--provenance=false', '--tag', tag, change.checkout.dir)
    const names = (): string =>
      docker(engine, 'image', 'inspect', '--format', '{{.Id}} {{.RepoTags}} {{.RepoDigests}}', tag)
    const before = names()
    await change.run(env, { inputs: { comment: 'off' } })
    expect(names()).toBe(before)
    docker(engine, 'image', 'rm', tag)
    change.dispose()
  })

  it('uncommitted files are not measured, and that is said', async () => {
    const change = openPullRequest({ Dockerfile: 'FROM image-budget/base:1\nCOPY . /app\n' }, { a: 'a' })
    const clean = await change.run(env, { inputs: { comment: 'off' } })
    const left = change.push({ a: 'a' })
    writeFileSync(join(left.checkout.dir, 'coverage.bin'), 'x'.repeat(100_000))
    const result = await left.run(env, { inputs: { comment: 'off' } })
    expect(result.outputs.size).toBe(clean.outputs.size)
    expect(result.outputs['download-size']).toBe(clean.outputs['download-size'])
    expect(result.annotations).toMatchObject([
      { level: 'warning', message: expect.stringMatching(/files that are not committed.*`before-build`/s) },
    ])
    change.dispose()
  })

  it.each([
    ['a build', 'RUN echo "under"" way" && sleep 300\n', {}],
    ['`before-build`', '', { 'before-build': `echo under way; sleep ${NAP}; echo never` }],
  ])('cancelled during %s it is gone within seconds, with all it started', async (_, step, inputs) => {
    const change = openPullRequest(
      { Dockerfile: `FROM image-budget/base:1\nLABEL cancel=${crypto.randomUUID()}\n${step}` },
      { a: 'a' },
    )
    const temp = change.temp()
    const cancel = new AbortController()
    let cancelled = false
    let log = ''
    const result = await change.run(env, {
      temp,
      inputs: { comment: 'off', ...inputs },
      signal: cancel.signal,
      onOutput: (text) => {
        log += text
        if (cancelled || !/under way/.test(log)) return
        cancelled = true
        cancel.abort()
      },
    })

    // Not ended by the runner's SIGKILL, which comes after 10 s.
    expect(result).toMatchObject({ exitCode: 2, signal: null, outputs: {} })
    expect(result.annotations).toMatchObject([{ level: 'error', message: expect.stringContaining('cancelled') }])
    expect(processesOf(temp)).toEqual([])
    expect(processesOf(`sleep ${NAP}`)).toEqual([])
    expect(readdirSync(join(temp, '_temp'))).toEqual(['_runner_file_commands'])
    change.dispose()
  })
})
