#!/usr/bin/env node
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { ofOptions, readCommand, wishOf, type Command, type Form, type InitCommand } from './inputs/command-line.ts'
import { completionScript } from './inputs/completion.ts'
import { helpText } from './inputs/help.ts'
import { systemClock } from './clock.ts'
import { collectReports } from './collect.ts'
import {
  configure,
  configureHistory,
  configureReports,
  failsOf,
  ownerOfRemote,
  type ConfigureWorld,
} from './configure.ts'
import { createExec, createOpenOutput, interruption } from './exec.ts'
import { CouldNotMeasure, toFailure, type Failure } from './failure.ts'
import type { FindWorld } from './find-images.ts'
import { firstFileJson, init, WORKFLOW } from './init.ts'
import { createReadRemote } from './github/remote-file.ts'
import { showHistory } from './show-history.ts'
import type { Inputs } from './inputs/inputs.ts'
import { keepMemoryLow } from './memory.ts'
import { renderPage } from './page/html.ts'
import { openLocalRecords } from './record/local.ts'
import type { Records } from './record/shelf.ts'
import { renderSummary } from './report/comment.ts'
import { renderHtml } from './report/html.ts'
import { renderJson } from './report/json.ts'
import { exitCodeOf, reportFailure } from './report/assemble.ts'
import type { Report } from './report/report.ts'
import type { TerminalOptions } from './report/lines.ts'
import { renderTerminal } from './report/terminal.ts'
import { run } from './run.ts'
import type { Surroundings, World } from './sides.ts'
import { createTerminalLog, type TerminalLog } from './terminal-log.ts'
import { version } from './version.ts'
import { writeWhole } from './write-whole.ts'

keepMemoryLow()
const { env, stdout, stderr } = process
const signal = interruption()
// A reader that has seen enough (`| head`) is no error, nor is a terminal that was closed.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || stdout.isTTY) return
  say(`image-budget: What was asked for cannot be written: ${error.message}`)
  process.on('exit', () => (process.exitCode = 2))
})
// There is nobody left to tell.
stderr.on('error', () => {})

/** https://no-color.org and https://force-color.org; `FORCE_COLOR=0` is none, as elsewhere in Node. */
const coloured = (stream: NodeJS.WriteStream): boolean => {
  const forced = env['FORCE_COLOR']
  if (env['NO_COLOR'] || forced === '0') return false
  return Boolean(forced) || (stream.isTTY && env['TERM'] !== 'dumb')
}

/** A bar that moves is for somebody who looks at it: not for a job's log, a file or an editor's window. */
const isLive = stderr.isTTY && !env['CI'] && env['TERM'] !== 'dumb'

function openLog(verbose: boolean): TerminalLog {
  return createTerminalLog(
    {
      write: (text) => void stderr.write(text),
      size: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
      isLive,
      colour: coloured(stderr),
      now: () => performance.now(),
      every: (milliseconds, call) => {
        const timer = setInterval(call, milliseconds).unref()
        return () => clearInterval(timer)
      },
    },
    { verbose, signal },
  )
}

let log = openLog(false)
const say = (text: string): void => log.say(text)
const warn = (text: string): void => log.warning(text)
signal.addEventListener('abort', () => {
  log.close()
  if (isLive) say('Stopping what is under way ...')
})

/** Nothing is fetched for what may as well be built. */
function localRecords({ baseline, dataBranch }: Inputs): Records {
  const world = {
    exec: createExec(env, signal),
    openOutput: createOpenOutput(env, signal),
    cwd: process.cwd(),
    warn,
  }
  return openLocalRecords(world, dataBranch, { fetch: baseline === 'record' })
}

function surroundings(): Surroundings {
  return {
    cwd: process.cwd(),
    temporary: tmpdir(),
    base: { kind: 'none', reason: 'none is asked for' },
    isProposal: false,
    budgetFiles: [],
    baseMustExist: false,
    pushed: null,
    uncommitted: 'measure',
    // What runs of the default branch take out of build arguments.
    volatile: ['main', 'master'],
    committedAt: null,
    repositoryName: null,
    repositoryUrl: null,
    runUrl: null,
    credentials: null,
  }
}

function worldOf(records: Records | null): World {
  return {
    createExec: (stop) => createExec(env, stop),
    createOpenOutput: (stop) => createOpenOutput(env, stop),
    env,
    clock: systemClock,
    log,
    records,
    askWaivers: null,
    key: null,
    signal,
  }
}

/** The file alone on standard output where it is only shown; what to do next where it was written. */
async function writeFirstFile(command: InitCommand): Promise<number> {
  const first = await init(command, surroundings(), worldOf(null), here())
  const { text, path, failed } = first
  log.close()
  if (failed > 0)
    warn(`${failed} ${failed === 1 ? 'image' : 'images'} could not be measured: see the comments in the file.`)
  if (path === null) {
    stdout.write(command.json ? firstFileJson(first) : text)
    return 0
  }
  stdout.write(`Written: ${path}

Look at its caps, and commit it. Then \`image-budget check\` compares a branch with its base, and this workflow,
.github/workflows/image-budget.yml, does it on each pull request:

${WORKFLOW}`)
  return 0
}

const NOTHING_TO_SHOW = 'The page was not written: there is no image whose files are known.'

/** Gives why it cannot be written; null: it is. */
async function writePage(file: string, html: string): Promise<CouldNotMeasure | null> {
  try {
    await writeWhole(file, html)
    return null
  } catch (error) {
    return new CouldNotMeasure('precondition', `The page cannot be written: ${toFailure(error).message}.`, {
      remedy: '`--output` (`--page` in `check` and `diff`) names a file in a folder that this user may write to.',
    })
  }
}

function sayFailure({ message, remedy }: Failure): void {
  say(`image-budget: ${message}${remedy === null ? '' : `\n${remedy}`}`)
}

/** Where a budget file is looked for, and what it extends. */
function here(): Omit<ConfigureWorld & FindWorld, 'isFound'> {
  const exec = createExec(env, signal)
  const cwd = process.cwd()
  const apiUrl = env['GITHUB_API_URL'] || 'https://api.github.com'
  const { hostname } = new URL(apiUrl)
  const server = hostname === 'api.github.com' ? 'github.com' : hostname
  const read = createReadRemote(apiUrl, env['GITHUB_TOKEN'] || env['GH_TOKEN'] || null, signal)
  const terminals = { temporary: tmpdir(), uncommitted: 'measure' as const, repositoryName: null, credentials: null }
  return { ...terminals, exec, cwd, remote: { owner: () => ownerOfRemote(exec, cwd, server), read } }
}

/** What stands on standard output: cut to a terminal's width, and whole elsewhere. */
function terminal(): TerminalOptions {
  return { colour: coloured(stdout), width: stdout.columns || 100, isWhole: !stdout.isTTY }
}

function rendered(report: Report, form: Form): string {
  if (form === 'json') return renderJson(report)
  if (form === 'markdown') return renderSummary(report)
  return form === 'html' ? renderHtml(report) : renderTerminal(report, terminal())
}

/** The report on standard output; where it goes to a file, a person would not read why something could not be measured. */
function show(report: Report, form: Form): void {
  log.close()
  if (form !== 'text') {
    for (const { error } of report.images) if (error !== null) sayFailure(error)
  }
  stdout.write(rendered(report, form))
}

/** What went wrong with its images as a command says it: no workflow has the inputs. */
function inWordsOfOptions(report: Report): Report {
  const { command } = wishOf(argv)
  const images = report.images.map((image) => {
    return image.error === null ? image : { ...image, error: ofOptions(image.error, command) }
  })
  return { ...report, images }
}

const argv = process.argv.slice(2)

async function main(command: Command): Promise<number> {
  if ('verbose' in command) log = openLog(command.verbose)
  if (command.kind === 'help') stdout.write(helpText(command.command, stdout.columns || 100))
  if (command.kind === 'version') stdout.write(`${version}\n`)
  if (command.kind === 'completion') stdout.write(completionScript(command.shell))
  if (command.kind === 'history') {
    const [exec, openOutput] = [createExec(env, signal), createOpenOutput(env, signal)]
    const values = await configureHistory(command.values, { exec, cwd: process.cwd(), isFound: true, remote: null })
    const world = { exec, openOutput, cwd: process.cwd(), warn }
    stdout.write(await showHistory({ ...command, values }, world, terminal()))
  }
  if (command.kind === 'report') {
    const cwd = process.cwd()
    const values = { ...command.values, mode: 'report' }
    const configured = await configureReports(values, { ...here(), isFound: true })
    const none = { repositoryUrl: null, runUrl: null }
    const report = await collectReports({ ...configured, paths: command.paths, cwd, run: none, areNamed: true })
    show(report, command.form)
    return exitCodeOf(report, configured.fails)
  }
  if (command.kind === 'init') return writeFirstFile(command)
  if (command.kind !== 'check') return 0
  // Two images that somebody compares, or one that is looked at, are none of the repository's, unless its file is named.
  const isOurs = !command.mustExist && !(command.explores && command.values['image'] !== undefined)
  const { images, common: inputs } = await configure(command.values, { ...here(), isFound: isOurs })
  const { report, packed } = await run(
    images,
    {
      ...surroundings(),
      base: inputs.baseRef === null ? { kind: 'default-branch' } : { kind: 'ref', ref: inputs.baseRef },
      baseMustExist: command.mustExist,
    },
    worldOf(command.mustExist ? null : localRecords(inputs)),
  )
  const page = inputs.page === null ? null : renderPage(report, packed)
  const file = page === null ? null : resolve(inputs.page!)
  const unwritten = page === null ? null : await writePage(file!, page)
  if (command.explores) {
    if (unwritten) throw unwritten
    for (const { error } of inWordsOfOptions(report).images) if (error !== null) sayFailure(error)
    if (file === null && report.verdict !== 'error') warn(NOTHING_TO_SHOW)
    if (file !== null) stdout.write(`${file}\n`)
    return file === null || report.verdict === 'error' ? 2 : 0
  }
  if (file !== null && !unwritten) say(`The page is ${file}`)
  else if (inputs.page !== null && !unwritten) warn(NOTHING_TO_SHOW)
  // Apart from what was said of the builds.
  if (command.form === 'text' && isLive && stdout.isTTY) say('')
  show(inWordsOfOptions(report), command.form)
  if (unwritten) sayFailure(unwritten.failure)
  return unwritten ? 2 : exitCodeOf(report, failsOf({ images }))
}

try {
  process.exitCode = await main(readCommand(argv))
} catch (error) {
  const failure = toFailure(error)
  const { command, form } = wishOf(argv)
  log.close()
  if (form !== 'text') stdout.write(rendered(reportFailure('image', failure), form))
  sayFailure(ofOptions(failure, command))
  process.exitCode = signal.aborted ? 130 : 2
}
