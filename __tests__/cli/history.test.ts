import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { filesOf, pushFiles, recordOf } from '../support/data-branch.ts'
import { createSandbox, stateOf, type Sandbox } from '../support/repositories.ts'

/** The terminal's door, on records: the bundled command as a user runs it, in a clone of their own. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
const ESCAPE = '\u001b['

type Result = { exitCode: number | null; stdout: string; stderr: string }

let sandbox: Sandbox
let clone: string
beforeAll(async () => {
  sandbox = createSandbox()
  const origin = sandbox.initBare('origin.git')
  const author = sandbox.init('author')
  sandbox.git(author, 'remote', 'add', 'origin', origin)
  const commits = ['one', 'two'].map((message) => sandbox.commit(author, message))
  sandbox.git(author, 'push', '--quiet', 'origin', 'main')
  const records = [
    recordOf(commits[0]!, '2026-08-01T10:00:00Z', 148_200_000),
    recordOf(commits[1]!, '2026-09-20T10:00:00Z', 163_900_000),
  ]
  pushFiles(sandbox, origin, 'image-budget', await filesOf(records))
  clone = join(sandbox.folder, 'clone')
  sandbox.git(sandbox.folder, 'clone', '--quiet', origin, 'clone')
})
afterAll(() => sandbox.remove())

function history(args: string[], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(process.execPath, [COMMAND, 'history', ...args], {
    cwd: clone,
    env: { ...sandbox.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const result = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (result[name] += text))
  return new Promise((ended, failed) => {
    child.once('error', failed)
    child.once('close', (exitCode) => ended({ exitCode, ...result }))
  })
}

describe('history', () => {
  it('prints the table and nothing else, and leaves the clone as it is', async () => {
    const before = stateOf(sandbox, clone)
    const { exitCode, stdout, stderr } = await history([])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^api \(linux\/amd64\)\nGrew from 148\.2 MB to 163\.9 MB, /)
    expect(stdout).toMatch(/^ {2}Size {6}▁█ {2}148\.2 MB → 163\.9 MB/m)
    expect(stdout).not.toContain(ESCAPE)
    expect(stateOf(sandbox, clone)).toEqual(before)
  })

  it('prints CSV and JSON', async () => {
    expect((await history(['--csv', '--last', '1'])).stdout).toMatch(
      /^image,platform,.*\napi,linux\/amd64,2026-09-20T10:00:00Z,[0-9a-f]{40},163900000,40975000,1,,,,classic,\n$/,
    )
    const { stdout } = await history(['--json', '--name', 'api'])
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      images: [{ points: [{ size: 148_200_000 }, { size: 163_900_000 }] }],
    })
  })

  it('has colours where they are asked for', async () => {
    expect((await history([], { FORCE_COLOR: '1' })).stdout).toContain(ESCAPE)
  })

  it.each([
    [['--last', '0'], /`--last` has `0`; it takes a number of records, 1 or more/],
    [['--last', '0', '--json'], /`--last` has `0`/],
    [['--lsat', '3'], /did you mean `--last`\?/],
    [['--name', 'web', '--json'], /no record of an image `web`\.\n`--name` takes what there is: `api`\./],
    [['--data-branch', 'sizes'], /There is no branch `sizes`\.\nRecords are made by the action/],
  ])('exits with 2 and says why: %j', async (args, words) => {
    const { exitCode, stdout, stderr } = await history(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(words)
  })

  it('warns where the remote cannot be asked, and shows what the last fetch brought', async () => {
    sandbox.git(clone, 'remote', 'set-url', 'origin', 'file:///nowhere/origin.git')
    const { exitCode, stdout, stderr } = await history([])
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^Warning: The branch `image-budget` is shown as /)])
    expect(stdout).toContain('163.9 MB')
    expect((await history(['--offline'])).stderr).toBe('')
  })
})
