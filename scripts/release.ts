/**
 * A release's parts that need more than a command: docs/releasing.md says how a maintainer releases, .github/workflows/release.yml runs them.
 * Run in the project's top folder. Node 24 and git alone, no package: the job that may write installs nothing.
 *
 *   node scripts/release.ts prepare VERSION      writes the version and the changelog's heading, to be committed
 *   node scripts/release.ts check [RUNS]         says what would be released, or all that is in the way (exit code 1). RUNS: a file of
 *                                                `gh run list --commit … --json workflowName,event,conclusion,headSha`
 *   node scripts/release.ts notes                prints the changelog's section
 *   node scripts/release.ts tag                  makes the version's tag on `origin`, at this commit
 *   node scripts/release.ts move-major           moves the major's tag on `origin` to it, where this is the newest release of it
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import {
  describeRelease,
  planRelease,
  prepareRelease,
  type Release,
  type Sources,
  type State,
  type WorkflowRun,
} from './release-plan.ts'

const FILES: Record<keyof Sources, string> = {
  manifest: 'package.json',
  lock: 'package-lock.json',
  module: 'src/version.ts',
  changelog: 'CHANGELOG.md',
}

function git(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('git', args, { encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr.trim()}`)
  return stdout.trimEnd()
}

function read(key: keyof Sources): string {
  return readFileSync(FILES[key], 'utf8')
}

function readSources(): Sources {
  return { manifest: read('manifest'), lock: read('lock'), module: read('module'), changelog: read('changelog') }
}

/** What each reference of the remote holds, by its name: a commit, or an annotated tag's object. */
type References = ReadonlyMap<string, string>

/** Of the remote, for a clone need not have all. An annotated tag's commit is that of `refs/tags/v1^{}`, which comes after its own. */
function remoteReferences(): References {
  const lines = git('ls-remote', '--tags', 'origin').split('\n').filter(Boolean)
  return new Map(
    lines.map((line): [string, string] => {
      const [id = '', name = ''] = line.split('\t')
      return [name, id]
    }),
  )
}

/** Each tag with its commit. */
function tagsOf(references: References): Map<string, string> {
  return new Map([...references].map(([name, id]) => [name.replace(/^refs\/tags\//, '').replace(/\^\{\}$/, ''), id]))
}

/** All that a plan is made of, and the references as they were then. */
function stateNow(runs: State['runs']): State & { references: References } {
  const references = remoteReferences()
  return {
    references,
    sources: readSources(),
    commit: git('rev-parse', 'HEAD'),
    branch: process.env['GITHUB_REF_NAME'] ?? git('rev-parse', '--abbrev-ref', 'HEAD'),
    tags: tagsOf(references),
    changed: git('status', '--porcelain')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(3)),
    runs,
  }
}

function planned(state: State): Release {
  const { release, problems } = planRelease(state)
  if (release === null) throw new Error(problems.map((each) => `- ${each}`).join('\n'))
  return release
}

/** For the workflow's next steps, and for whoever approves. */
function hand(release: Release, commit: string): void {
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = process.env
  const { version, tag, majorTag, isPrerelease, isLatest, movesMajor } = release
  const outputs = {
    version,
    tag,
    'major-tag': majorTag,
    prerelease: isPrerelease,
    latest: isLatest,
    'moves-major': movesMajor,
  }
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`)
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, lines.join(''))
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, describeRelease(release, commit))
  process.stdout.write(describeRelease(release, commit))
}

const commands: Record<string, (argument: string | undefined) => void> = {
  prepare: (version) => {
    if (version === undefined) throw new Error('which version? npm run release -- prepare 1.2.3')
    const date = new Date().toISOString().slice(0, 10)
    const prepared = prepareRelease(readSources(), version, date)
    for (const [key, file] of Object.entries(FILES)) writeFileSync(file, prepared[key as keyof Sources])
    console.log(`${Object.values(FILES).join(', ')} say ${version}. Next: npm run build, and a pull request.`)
  },
  check: (file) => {
    const runs: WorkflowRun[] | null = file === undefined ? null : JSON.parse(readFileSync(file, 'utf8'))
    const state = stateNow(runs)
    hand(planned(state), state.commit)
  },
  notes: () => {
    console.log(planned(stateNow(null)).notes)
  },
  tag: () => {
    const state = stateNow(null)
    const { tag, isTagged } = planned(state)
    const name = `refs/tags/${tag}`
    // Whoever was faster is not overwritten: the tag must not be there.
    if (!isTagged) git('push', `--force-with-lease=${name}:`, 'origin', `${state.commit}:${name}`)
    console.log(`${tag} is at ${state.commit}${isTagged ? ', and was' : ''}`)
  },
  'move-major': () => {
    const state = stateNow(null)
    const { tag, majorTag, movesMajor, isTagged, isPrerelease } = planned(state)
    if (!isTagged) throw new Error(`${tag} is not out: ${majorTag} only moves to what is released`)
    if (!movesMajor) {
      console.log(
        `${majorTag} stays where it is: ${isPrerelease ? `${tag} is a pre-release` : 'something newer is out'}`,
      )
      return
    }
    const name = `refs/tags/${majorTag}`
    // Only from where the plan saw it, be it a tag's object: two releases at once cannot move it back.
    git('push', `--force-with-lease=${name}:${state.references.get(name) ?? ''}`, 'origin', `${state.commit}:${name}`)
    console.log(`${majorTag} is at ${state.commit}`)
  },
}

const [command = '', argument] = process.argv.slice(2)
try {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (run === undefined) throw new Error(`what to do? ${Object.keys(commands).join(', ')}`)
  run(argument)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
