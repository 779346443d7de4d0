import { parseArgs } from 'node:util'
import { closestMatch } from 'leven'
import { CouldNotMeasure } from '../failure.ts'
import { descriptions } from './descriptions.ts'
import { IMAGE_FORM, inputNames, nearestInput, onOneLine, type InputName } from './inputs.ts'
import { parseReference } from './reference.ts'

/** Inputs that have no meaning on a terminal: there is no pull request to comment on. */
const WORKFLOW_ONLY = new Set<InputName>([
  'accept-label',
  'comment',
  'github-token',
  'record',
  'untouched',
  'mode',
  'reports',
  'allow-pull-request-target',
])

/** The options of the commands that are inputs, in action.yml's order. */
export const inputOptions = inputNames.filter((name) => !WORKFLOW_ONLY.has(name))

/** What the command line asks for. */
export type Command =
  | {
      kind: 'check'
      values: Record<string, string>
      /** The image to compare with was named for nothing else: it has to be there. */
      mustExist: boolean
      json: boolean
      verbose: boolean
      /** `explore`: the page is what is wanted, and no judgement. */
      explores: boolean
    }
  | HistoryCommand
  | InitCommand
  | {
      kind: 'report'
      /** The inputs that it takes, `reports` among them, as they were given. */
      values: Record<string, string>
      /** Files and folders. */
      paths: string[]
      json: boolean
    }
  | { kind: 'help' | 'version' }

/** What `init` is asked for. */
export type InitCommand = {
  kind: 'init'
  /** A file that is there already is written anew. */
  force: boolean
  /** The file is only shown. */
  dryRun: boolean
  verbose: boolean
  builder: string | null
}

/** What `history` is asked for. */
export type HistoryCommand = {
  kind: 'history'
  /** The inputs that it takes, `name`, `config` and `data-branch`, as they were given. */
  values: Record<string, string>
  /** The one platform that is wanted, as it was given; null: all. */
  platform: string | null
  /** How many records of each image are wanted; null: as many as the form has. */
  last: number | null
  form: 'table' | 'csv' | 'json'
  /** The remote is not to be asked. */
  offline: boolean
}

const OWN_OPTIONS = {
  base: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/** Where `explore` writes the page to, where nobody says. */
const DEFAULT_PAGE = 'image-budget.html'

/** Records of an image that `history` shows in its table, where nobody says how many. */
export const LAST_SHOWN = 30

/** The options that `history` has and nothing else. */
const HISTORY_OPTIONS = {
  platform: { type: 'string' },
  last: { type: 'string' },
  csv: { type: 'boolean' },
  offline: { type: 'boolean' },
} as const

/** The options that `init` has and nothing else. */
const INIT_OPTIONS = { force: { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const

/** All options of `init`. */
const OF_INIT = ['dry-run', 'force', 'builder', 'verbose']

/** All options of `history`. */
const OF_HISTORY = ['name', 'platform', 'last', 'csv', 'json', 'config', 'data-branch', 'offline']

/** Those of them that are inputs. */
const OF_HISTORY_INPUTS: ReadonlySet<string> = new Set<InputName>(['name', 'config', 'data-branch'])

/** All options of `report`, and those of them that are inputs. */
const OF_REPORT_INPUTS: ReadonlySet<string> = new Set<InputName>(['images', 'config', 'fail'])
const OF_REPORT = [...OF_REPORT_INPUTS, 'json']

/**
 * Reads the arguments after the program's name. Options are the inputs by their names; one that takes a list may be given more than
 * once. Throws CouldNotMeasure `input` for what is not understood.
 */
export function readCommand(argv: string[]): Command {
  const { tokens, positionals } = parseArgs({
    args: argv,
    options: {
      ...OWN_OPTIONS,
      ...HISTORY_OPTIONS,
      ...INIT_OPTIONS,
      ...Object.fromEntries(inputOptions.map((name) => [name, { type: 'string' as const, multiple: true as const }])),
    },
    strict: false,
    tokens: true,
  })
  const given = tokens.filter((token) => token.kind === 'option')
  if (given.some(({ name }) => name === 'help') || positionals[0] === 'help' || argv.length === 0)
    return { kind: 'help' }
  if (given.some(({ name }) => name === 'version')) return { kind: 'version' }

  const problems: string[] = []
  const [command, ...more] = positionals
  if (command === 'history') return readHistory(given, more)
  if (command === 'init') return readInit(given, more)
  if (command === 'report') return readReportCommand(given, more)
  const values: Record<string, string> = {}
  const explores = command === 'explore'
  const isOfTwo = command === 'diff' || (explores && more.length > 1)
  const reference = explores && more.length === 1 ? parseReference(more[0]!) : null
  if (reference !== null) {
    values['image'] = reference.text
    if (given.some(({ name }) => name === 'image'))
      problems.push(`The image is given twice: \`${onOneLine(reference.text)}\` and \`--image\`.`)
  } else if (command === 'check' || (explores && !isOfTwo)) {
    if (more[0] !== undefined) values['context'] = more[0]
    if (more[0] !== undefined && given.some(({ name }) => name === 'context'))
      problems.push(`The build context is given twice: \`${more[0]}\` and \`--context\`.`)
    if (more.length > 1)
      problems.push(`\`${more[1]}\` is one argument too many; \`check\` takes at most the build context.`)
  } else if (isOfTwo) {
    if (more.length === 2) {
      ;[values['baseline'], values['image']] = more as [string, string]
      // `none` and the like are a baseline, and an empty text is an input not given: `diff` compares two images, or it fails.
      const unclear = more.filter((text) => parseReference(text) === null).map((text) => `\`${onOneLine(text)}\``)
      if (unclear.length > 0) problems.push(`\`${command}\` has ${unclear.join(' and ')}; it takes ${IMAGE_FORM}.`)
    } else
      problems.push(
        `\`${command}\` takes two images, the one to compare with and the one to judge: \`image-budget ${command} docker-daemon:api:1.0 docker-daemon:api:1.1\`.`,
      )
    for (const { name, rawName } of given.filter((option) => ['image', 'baseline', 'base'].includes(option.name)))
      problems.push(
        `\`${rawName}\` has no place in \`${command}\`: ${name === 'image' ? 'the second' : 'the first'} argument says it.`,
      )
  } else {
    problems.push(
      `\`${command ?? ''}\` is not a command; \`image-budget check\`, \`image-budget diff\`, \`image-budget explore\`, \`image-budget report\`, \`image-budget history\` and \`image-budget init\` are.`,
    )
  }
  for (const { name, rawName, value } of given) {
    const isFlag = name === 'json' || name === 'verbose'
    const isOutput = name === 'output' && explores
    const input = name === 'base' ? 'base-ref' : isOutput ? 'page' : inputOptions.find((known) => known === name)
    if (name === 'json' && explores) {
      problems.push(
        `\`${rawName}\` has no place in \`explore\`, which prints where the page is; \`check\` and \`diff\` have it.`,
      )
    } else if (!isFlag && input === undefined) {
      problems.push(`\`${rawName}\` is not an option${hint(name)}`)
    } else if (isFlag ? value !== undefined : value === undefined || (value === '' && input !== undefined)) {
      problems.push(`\`${rawName}\` takes ${isFlag ? 'no value' : 'a value'}.`)
    } else if (input !== undefined) {
      values[input] = LISTS.has(input) && values[input] !== undefined ? `${values[input]}\n${value}` : value!
    }
  }
  if (explores) values['page'] ??= DEFAULT_PAGE
  refuse(problems)
  return {
    kind: 'check',
    values,
    mustExist: isOfTwo,
    explores,
    json: given.some(({ name }) => name === 'json'),
    verbose: given.some(({ name }) => name === 'verbose'),
  }
}

function refuse(problems: string[]): void {
  if (problems.length === 0) return
  throw new CouldNotMeasure('input', problems.join('\n'), { remedy: '`image-budget --help` lists the options.' })
}

/** An option as it was given; without `value`: it has none. */
type Given = { name: string; rawName: string; value: string | undefined }

/** The options of `history`; `more`: what stands there besides. */
function readHistory(given: Given[], more: string[]): HistoryCommand {
  const problems = more.map(
    (text) => `\`${onOneLine(text)}\` is one argument too many; \`history\` takes options alone.`,
  )
  const values = new Map<string, string>()
  for (const { name, rawName, value } of given) {
    const isFlag = name === 'json' || name === 'csv' || name === 'offline'
    if (!OF_HISTORY.includes(name)) problems.push(`\`${rawName}\` ${noOption(name, 'history', OF_HISTORY)}`)
    else if (isFlag ? value !== undefined : value === undefined || value === '')
      problems.push(`\`${rawName}\` takes ${isFlag ? 'no value' : 'a value'}.`)
    else values.set(name, value ?? '')
  }
  const [platform, last] = [values.get('platform') ?? null, values.get('last') ?? null]
  if (platform !== null && !/^\w+(?:\/[\w.]+){1,2}$/.test(platform))
    problems.push(`\`--platform\` has \`${onOneLine(platform)}\`; it takes one platform: \`linux/amd64\`.`)
  if (last !== null && !/^[1-9]\d{0,8}$/.test(last))
    problems.push(`\`--last\` has \`${onOneLine(last)}\`; it takes a number of records, 1 or more: \`30\`.`)
  if (values.has('csv') && values.has('json'))
    problems.push('`--csv` and `--json` are two forms of the same; leave one of the two out.')
  refuse(problems)
  return {
    kind: 'history',
    values: Object.fromEntries([...values].filter(([name]) => OF_HISTORY_INPUTS.has(name))),
    platform,
    last: last === null ? null : Number(last),
    form: values.has('csv') ? 'csv' : values.has('json') ? 'json' : 'table',
    offline: values.has('offline'),
  }
}

/** The options of `init`; `more`: what stands there besides. */
function readInit(given: Given[], more: string[]): InitCommand {
  const problems = more.map((text) => `\`${onOneLine(text)}\` is one argument too many; \`init\` takes options alone.`)
  let builder: string | null = null
  for (const { name, rawName, value } of given) {
    if (!OF_INIT.includes(name)) problems.push(`\`${rawName}\` ${noOption(name, 'init', OF_INIT)}`)
    else if (name !== 'builder' && value !== undefined) problems.push(`\`${rawName}\` takes no value.`)
    else if (name === 'builder' && !value) problems.push(`\`${rawName}\` takes a value.`)
    else if (name === 'builder') builder = value ?? null
  }
  refuse(problems)
  const has = (option: string): boolean => given.some(({ name }) => name === option)
  return { kind: 'init', force: has('force'), dryRun: has('dry-run'), verbose: has('verbose'), builder }
}

/** The options of `report`, and the files that it reads. */
function readReportCommand(given: Given[], paths: string[]): Command {
  const problems =
    paths.length > 0
      ? []
      : ['`report` takes the JSON reports to show, or folders of them: `image-budget report api.json worker.json`.']
  const values: Record<string, string> = {}
  for (const { name, rawName, value } of given) {
    const isFlag = name === 'json'
    if (!OF_REPORT.includes(name)) problems.push(`\`${rawName}\` ${noOption(name, 'report', OF_REPORT)}`)
    else if (isFlag ? value !== undefined : value === undefined || value === '')
      problems.push(`\`${rawName}\` takes ${isFlag ? 'no value' : 'a value'}.`)
    else if (!isFlag)
      values[name] = values[name] !== undefined && LISTS.has(name) ? `${values[name]}\n${value}` : value!
  }
  refuse(problems)
  return { kind: 'report', values, paths, json: given.some(({ name }) => name === 'json') }
}

/** The rest of the sentence on what is no option of a command. */
function noOption(name: string, command: string, options: readonly string[]): string {
  const isKnown = Object.hasOwn(OWN_OPTIONS, name) || inputOptions.some((known) => known === name)
  if (isKnown)
    return `has no place in \`${command}\`, which takes ${options.map((each) => `\`--${each}\``).join(', ')}.`
  const near = closestMatch(name.slice(0, 100), [...options], { maxDistance: 2 })
  return `is not an option${near === undefined ? '.' : `; did you mean \`--${near}\`?`}`
}

/** The end of the sentence on an unknown option. */
function hint(name: string): string {
  if (name === 'output') return ' of this command; `explore` has it, the others have `--page`.'
  const near = nearestInput(name)
  if (near === null && Object.hasOwn(INIT_OPTIONS, name)) return ' of this command; `init` has it.'
  if (near === null) return Object.hasOwn(HISTORY_OPTIONS, name) ? ' of this command; `history` has it.' : '.'
  return WORKFLOW_ONLY.has(near)
    ? `: on a terminal there is no workflow, no pull request to comment on, and nothing to record.`
    : `; did you mean \`--${near}\`?`
}

/** Inputs that are lists: given twice, the option adds. */
const LISTS: ReadonlySet<string> = new Set<InputName>([
  'images',
  'dockerfiles',
  'bake-files',
  'bake-targets',
  'build-args',
  'build-contexts',
  'platforms',
  'metrics',
  'budgets',
  'forbid',
  'secrets',
  'secret-files',
  'cache-from',
  'cache-to',
])

/** The help text; `width` in columns. */
export function helpText(width: number): string {
  const option = (name: string, text: string): string =>
    `  ${name}\n${wrap(text, Math.min(width, 100) - 6)
      .map((line) => `      ${line}`)
      .join('\n')}`
  return `Keeps container images inside a size budget.

Usage: image-budget check [OPTIONS] [CONTEXT]
       image-budget diff [OPTIONS] BASE IMAGE
       image-budget explore [OPTIONS] [--output FILE] [CONTEXT | IMAGE | BASE IMAGE]
       image-budget report [--images NAMES] [--config FILE] [--fail BOOLEAN]
                           [--json] FILE...
       image-budget history [--name NAME] [--platform OS/ARCH] [--last N]
                            [--csv | --json] [--config FILE]
                            [--data-branch BRANCH] [--offline]
       image-budget init [--dry-run] [--force] [--builder NAME]

${wrap('check builds the image of the working tree (uncommitted changes included) and of its base, side by side, compares their sizes and checks them against the budgets.', Math.min(width, 100)).join('\n')}

${wrap('diff compares two images where they lie: docker://NAME (a registry), docker-daemon:NAME (the Docker engine), docker-archive:FILE, oci-archive:FILE, oci:FOLDER.', Math.min(width, 100)).join('\n')}

${wrap('explore measures as check and diff do, and writes a page to look at in a browser: an interactive map of what is in the image and what changed. It is one file that needs no network.', Math.min(width, 100)).join('\n')}

${wrap('report shows and judges JSON reports that were written before (--json, or the output report of the action), of one image or many: files, or folders of them.', Math.min(width, 100)).join('\n')}

${wrap('history shows how the images of the default branch have grown: what the action recorded on the data branch, asking the remote of the repository for it. Nothing is built or measured.', Math.min(width, 100)).join('\n')}

${wrap('init builds and measures the images of the repository, those of its bake file and its other committed Dockerfiles, and writes a first .github/image-budget.yml of what they have.', Math.min(width, 100)).join('\n')}

Examples:
  image-budget check --max-size "160 MB"
  image-budget check --base main --max-increase 3% services/api
  image-budget check --file docker/Dockerfile --target production --build-args VERSION=1 --json
  image-budget check --image docker://ghcr.io/acme/api:1.1 --max-size "160 MB"
  image-budget diff docker-daemon:api:1.0 docker-daemon:api:1.1
  image-budget explore docker-daemon:api:1.0 docker-daemon:api:1.1
  image-budget report image-budget-reports
  image-budget history --name api --last 100
  image-budget history --csv > history.csv

Options of check, diff and explore:
${option('--base REF', 'Same as --base-ref. Default: the merge base with the default branch.')}
${inputOptions.map((name) => option(`--${name} ${LISTS.has(name) ? 'VALUE (may be repeated)' : 'VALUE'}`, descriptions[name])).join('\n')}
${option('--output FILE', `Where explore writes the page to. Default: ${DEFAULT_PAGE}.`)}
${option('--json', 'Print the report as JSON on standard output (check and diff).')}
${option('--verbose', 'Show the whole log of the builds, not only their steps.')}

Options of report:
${option('--images NAMES', 'Images that a report has to be there of. Default: those of the budget file, where it has a list.')}
${option('--config FILE', 'Budget file that says which images there are, and of which a broken budget fails. Default: .github/image-budget.yml.')}
${option('--fail BOOLEAN', descriptions.fail)}
${option('--json', 'Print the one report of them all as JSON on standard output.')}

Options of history:
${option('--name NAME', 'The one image that is wanted. Default: all images that are recorded.')}
${option('--platform OS/ARCH', 'The one platform that is wanted: linux/amd64. Default: all.')}
${option('--last N', `So many of the newest records of each image. Default: ${LAST_SHOWN} in the table, all of them in the other forms.`)}
${option('--csv', 'Print every figure as CSV, a line a record (docs/history.md).')}
${option('--json', 'Print every figure as JSON (docs/history.md).')}
${option('--config FILE', 'Budget file that may name the branch. Default: .github/image-budget.yml.')}
${option('--data-branch BRANCH', 'Branch that has the records. Default: that of the budget file, or image-budget.')}
${option('--offline', 'Do not ask the remote: show what the last fetch brought.')}

Options of init:
${option('--dry-run', 'Print the file, and write none.')}
${option('--force', 'Write it anew where there is one.')}
${option('--builder NAME', 'Same as for check.')}

Options of all:
${option('-h, --help', 'Print this help.')}
${option('-v, --version', 'Print the version.')}

Exit code: 0 within budget, 1 over budget, 2 could not measure (or show), 130 cancelled.
Images: docs/configuration.md says more of references (FILE:NAME, FILE:@0, NAME@sha256:…).
`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.replaceAll('`', '').split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
