import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createOpenOutput } from '../src/exec.ts'
import { readCommand, type HistoryCommand } from '../src/inputs/command-line.ts'
import { folderOf, imageFolder } from '../src/record/paths.ts'
import { showHistory } from '../src/show-history.ts'
import { version } from '../src/version.ts'
import { filesOf, pushFiles, recordOf } from './support/data-branch.ts'
import { createSandbox, stateOf, type Sandbox } from './support/repositories.ts'
import type { Files } from './support/shelves.ts'

let sandbox: Sandbox
let origin: string
/** A clone of one commit, as actions/checkout makes it. */
let clone: string
let commits: string[]
beforeEach(() => {
  sandbox = createSandbox()
  origin = sandbox.initBare('origin.git')
  const author = sandbox.init('author')
  sandbox.git(author, 'remote', 'add', 'origin', origin)
  commits = ['one', 'two', 'three'].map((message) => sandbox.commit(author, message))
  sandbox.git(author, 'push', '--quiet', 'origin', 'main')
  clone = join(sandbox.folder, 'clone')
  sandbox.git(sandbox.folder, 'clone', '--quiet', '--depth=1', origin, 'clone')
})
afterEach(() => sandbox.remove())

/** Three records of `api`, one of `api` for another platform, two of `shop/web`. */
async function record(...more: ReturnType<typeof recordOf>[]): Promise<Files> {
  const [first, second, third] = commits as [string, string, string]
  const arm = { platform: 'linux/arm64' }
  const web = { name: 'shop/web' }
  const records = [
    recordOf(first, '2026-08-01T10:00:00Z', 148_200_000),
    recordOf(second, '2026-09-02T10:00:00Z', 150_000_000),
    recordOf(third, '2026-09-20T10:00:00Z', 163_900_000),
    recordOf(third, '2026-09-20T10:00:00Z', 155_000_000, arm),
    recordOf(second, '2026-09-02T10:00:00Z', 50_000_000, web),
    recordOf(third, '2026-09-20T10:00:00Z', 40_000_000, web),
  ]
  return filesOf([...records, ...more])
}

const push = (files: Files): string => pushFiles(sandbox, origin, 'image-budget', files)

/** What the command prints in the clone, whose state must be the same before and after. */
async function history(...args: string[]): Promise<{ output: string; warnings: string[] }> {
  const before = stateOf(sandbox, clone)
  const warnings: string[] = []
  const world = {
    exec: sandbox.exec,
    openOutput: createOpenOutput(sandbox.env, new AbortController().signal),
    cwd: clone,
    warn: (text: string) => void warnings.push(text),
  }
  try {
    const command = readCommand(['history', ...args]) as HistoryCommand
    return { output: await showHistory(command, world, { colour: false, width: 100 }), warnings }
  } finally {
    expect(stateOf(sandbox, clone)).toEqual(before)
  }
}

const titles = (output: string): string[] => output.split('\n').filter((line) => /^\S.* \(\S+\)$/.test(line))

describe('history', () => {
  it('shows every image and platform that is recorded, newest last, with tags', async () => {
    push(await record())
    sandbox.git(clone, 'tag', 'v2.0.0', 'HEAD')
    const { output, warnings } = await history()
    expect(warnings).toEqual([])
    expect(titles(output)).toEqual(['api (linux/amd64)', 'api (linux/arm64)', 'shop/web (linux/amd64)'])
    expect(output).toContain(
      'Grew from 148.2 MB to 163.9 MB, +15.7 MB (+10.6 %), over 3 records since 2026-08-01.\n\n' +
        '  Size      ▁▂█  148.2 MB → 163.9 MB  +15.7 MB (+10.6 %)\n',
    )
    const rows = output.split('\n').filter((line) => line.startsWith('  2026-'))
    expect(rows.slice(0, 3).map((row) => row.trim().split(/\s+/).slice(0, 4).join(' '))).toEqual([
      `2026-08-01 ${commits[0]?.slice(0, 7)} 148.2 MB`,
      `2026-09-02 ${commits[1]?.slice(0, 7)} 150.0 MB`,
      `2026-09-20 ${commits[2]?.slice(0, 7)} 163.9 MB`,
    ])
    expect(rows.filter((row) => row.endsWith('v2.0.0')).length).toBe(3)
  })

  it('narrows to an image, a platform, the newest', async () => {
    push(await record())
    expect(titles((await history('--name', 'api')).output)).toEqual(['api (linux/amd64)', 'api (linux/arm64)'])
    expect(titles((await history('--name', 'shop/web')).output)).toEqual(['shop/web (linux/amd64)'])
    const arm = await history('--platform', 'linux/arm64/v8')
    expect(titles(arm.output)).toEqual(['api (linux/arm64)'])
    const { output } = await history('--name', 'api', '--platform', 'linux/amd64', '--last', '1')
    expect(output.match(/^ {2}2026-/gm)?.length).toBe(1)
    expect(output).toContain('Not shown: 2 earlier records (--last 3 shows all).')
  })

  it('shows 30 records in the table unless told, and all of them in the other forms', async () => {
    const many = Array.from({ length: 40 }, (_, at) =>
      recordOf(String(at).padStart(40, '0'), `2026-09-21T10:00:${String(at).padStart(2, '0')}Z`, 1_000_000 + 4 * at),
    )
    push(await filesOf(many))
    const lines = async (...args: string[]): Promise<string[]> => (await history(...args)).output.split('\n')
    expect((await lines()).filter((line) => line.startsWith('  2026-')).length).toBe(30)
    expect((await lines('--last', '35')).filter((line) => line.startsWith('  2026-')).length).toBe(35)
    expect((await lines('--csv')).length).toBe(1 + 40 + 1)
    expect((await lines('--csv', '--last', '2')).length).toBe(1 + 2 + 1)
  })

  it('writes every figure as CSV and as JSON', async () => {
    const branch = push(await record())
    const csv = (await history('--csv', '--name', 'shop/web')).output.split('\n')
    expect(csv).toEqual([
      expect.stringMatching(/^image,platform,date,commit,size,download-size,layers,/),
      `shop/web,linux/amd64,2026-09-02T10:00:00Z,${commits[1]},50000000,12500000,1,,,,classic,`,
      `shop/web,linux/amd64,2026-09-20T10:00:00Z,${commits[2]},40000000,10000000,1,,,,classic,`,
      '',
    ])
    const json = JSON.parse((await history('--json', '--last', '1')).output) as { images: object[] }
    expect(json).toMatchObject({ schema: 1, version, branch: 'image-budget', commit: branch })
    expect(json.images).toMatchObject([
      { name: 'api', platform: 'linux/amd64', earlier: 2, points: [{ commit: commits[2], size: 163_900_000 }] },
      { name: 'api', platform: 'linux/arm64', earlier: 0, points: [{ size: 155_000_000, downloadSize: 38_750_000 }] },
      { name: 'shop/web', platform: 'linux/amd64', earlier: 1, points: [{ size: 40_000_000, layers: 1 }] },
    ])
  })

  it('reads another branch, and what the last fetch brought where the remote is not or cannot be asked', async () => {
    pushFiles(sandbox, origin, 'sizes', await record())
    expect(titles((await history('--data-branch', 'sizes', '--name', 'shop/web')).output).length).toBe(1)
    sandbox.git(clone, 'fetch', '--quiet', 'origin', 'sizes:refs/remotes/origin/sizes')
    pushFiles(sandbox, origin, 'sizes', await filesOf([recordOf(commits[0]!, '2026-08-01T10:00:00Z', 1_000)]))
    expect(titles((await history('--data-branch', 'sizes')).output).length).toBe(1)
    const offline = await history('--data-branch', 'sizes', '--offline')
    expect([titles(offline.output).length, offline.warnings]).toEqual([3, []])
    renameSync(join(sandbox.folder, 'origin.git'), join(sandbox.folder, 'moved.git'))
    const unreachable = await history('--data-branch', 'sizes')
    expect(unreachable.output).toBe(offline.output)
    expect(unreachable.warnings).toEqual([
      expect.stringMatching(
        /^The branch `sizes` is shown as the last fetch left it: `origin` could not be asked for it \(/,
      ),
    ])
  })

  it('says what there is where what is asked for is not', async () => {
    push(await record())
    await expect(history('--name', 'apy')).rejects.toMatchObject({
      failure: {
        kind: 'input',
        message: 'There is no record of an image `apy`.',
        remedy: '`--name` takes what there is: `api`, `shop/web`.',
      },
    })
    await expect(history('--name', 'shop/web', '--platform', 'linux/arm64')).rejects.toMatchObject({
      failure: {
        kind: 'input',
        message: 'There is no record for `linux/arm64`.',
        remedy: '`--platform` takes what there is: `linux/amd64`.',
      },
    })
    await expect(history('--data-branch', '../main')).rejects.toMatchObject({
      failure: { kind: 'input', message: expect.stringContaining('`data-branch` has `../main`') },
    })
  })

  it('says what makes records where there are none', async () => {
    const remedy = expect.stringMatching(/^Records are made by the action, on each push .* `contents: write` /)
    const none = { failure: { kind: 'missing', message: 'There is no branch `image-budget`.', remedy } }
    await expect(history()).rejects.toMatchObject(none)
    await expect(history('--offline')).rejects.toMatchObject({
      failure: {
        message: 'There is no branch `image-budget` in the clone.',
        remedy: expect.stringMatching(/^Without `--offline` the remote is asked\. Records are made by /),
      },
    })
    push(new Map([['README.md', Buffer.from('Nothing yet\n')]]))
    const empty = { failure: { kind: 'missing', message: 'The branch `image-budget` has no records.', remedy } }
    await expect(history()).rejects.toMatchObject(empty)
    await expect(history('--data-branch', 'main')).rejects.toMatchObject({ failure: { kind: 'missing' } })
  })

  it('says that it needs a repository', async () => {
    clone = sandbox.folder
    const world = { exec: sandbox.exec, openOutput: createOpenOutput(sandbox.env, new AbortController().signal) }
    const command = readCommand(['history']) as HistoryCommand
    await expect(
      showHistory(command, { ...world, cwd: clone, warn: () => {} }, { colour: false, width: 100 }),
    ).rejects.toMatchObject({ failure: { kind: 'precondition' } })
  })
})

describe('what is not as it was written', () => {
  it('is left out', async () => {
    const files = new Map(await record())
    const at = folderOf('api', 'linux/amd64')
    files.set(`${at}/points/2026-09.jsonl`, Buffer.from('{"commit":"x"}\nnot JSON\n\u0000\u001B[31m\n'))
    files.set('workflows/ci/points.yml', Buffer.from('on: push\n'))
    files.set('docs/linux-amd64/points/2026-09.jsonl', Buffer.from('[]\n'))
    files.set('api/points/x', Buffer.from(''))
    push(files)
    const { output } = await history()
    expect(titles(output)).toEqual(['api (linux/amd64)', 'api (linux/arm64)', 'shop/web (linux/amd64)'])
    expect(output.split('\n').slice(0, 2)).toEqual(['api (linux/amd64)', '148.2 MB on 2026-08-01.'])
  })

  it('may be a folder whose image nothing tells: that is said, and `--name` tells it', async () => {
    const files = new Map([...(await record())].filter(([path]) => !/^shop-.*\/records\//.test(path)))
    push(files)
    const { output, warnings } = await history()
    const folder = folderOf('shop/web', 'linux/amd64')
    expect(titles(output)).toEqual(['api (linux/amd64)', 'api (linux/arm64)'])
    expect(warnings).toEqual([
      `Nothing tells the name of the image in \`${folder}\` of the branch \`image-budget\`: it is left out.`,
    ])
    const named = await history('--name', 'shop/web')
    expect([titles(named.output), named.warnings]).toEqual([['shop/web (linux/amd64)'], []])
  })

  it('may be a folder that was renamed: its points are those of the new name', async () => {
    const files = new Map(
      [...(await record())].map(([path, content]) => [
        path.replace(/^api\//, 'backend/').replace(`${imageFolder('shop/web')}/`, `${imageFolder('shop/site')}/`),
        content,
      ]),
    )
    push(files)
    expect(titles((await history('--name', 'backend')).output).length).toBe(2)
    expect(titles((await history('--name', 'shop/site')).output)).toEqual(['shop/site (linux/amd64)'])
    // Its records are those of the old name still.
    const { output, warnings } = await history()
    expect(titles(output)).toEqual(['backend (linux/amd64)', 'backend (linux/arm64)'])
    expect(warnings).toEqual([expect.stringContaining(`\`${folderOf('shop/site', 'linux/amd64')}\``)])
  })
})
