import { chownSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it, jest } from '@jest/globals'
import { engines } from '../support/engine.ts'
import { startGitHub, type GitHub } from '../support/github/server.ts'
import { openPullRequest } from '../support/pull-request.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(60_000)

/** Runners that are set up in other ways than GitHub's own. */
const { env } = engines()[0]!
const DOCKERFILE = 'FROM image-budget/base:1\nCOPY payload /payload\n'
/** A user that is not the one of the tests. */
const NOBODY = 65_534

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

let github: GitHub
beforeEach(async () => {
  github = await startGitHub()
})
afterEach(async () => {
  expect(github.violations).toEqual([])
  await github.close()
})

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'image-budget-runner-'))
  folders.push(folder)
  return folder
}

/** Gives a folder and all that is in it to another user. */
function giveAway(path: string): void {
  chownSync(path, NOBODY, NOBODY)
  for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' }))
    lchownSync(join(path, entry), NOBODY, NOBODY)
}

it('has a workspace with blanks and other letters in its name, which is another user’s, and its temporary folder on another disk', async () => {
  const change = openPullRequest(
    { 'döcker files/api prod.Dockerfile': DOCKERFILE, 'sérvices/api (1)/payload': 'x'.repeat(100) },
    { 'sérvices/api (1)/payload': 'x'.repeat(5_100) },
  )
  const workspace = join(folderIn(tmpdir()), 'wörk späce', "it's $HOME; (1)")
  mkdirSync(join(workspace, '..'))
  renameSync(change.checkout.dir, workspace)
  // Only root can; who else runs the tests has the rest of it.
  if (process.getuid?.() === 0) giveAway(workspace)
  const disk = ['/dev/shm', '/run/user'].find((path) => existsSync(path)) ?? tmpdir()
  const inputs = {
    context: 'sérvices/api (1)',
    file: 'döcker files/api prod.Dockerfile',
    'max-increase': '1 kB',
  }
  const result = await change.run(env, { github, workspace, temp: folderIn(disk), inputs })
  change.dispose()
  expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over', 'size-change': '5000' } })
  expect(result.annotations[0]).toMatchObject({
    properties: { file: 'döcker files/api prod.Dockerfile', line: '2' },
  })
  expect(github.state.comments).toHaveLength(1)
})
