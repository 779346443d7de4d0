import { descriptions } from './descriptions.ts'
import { WORDS, inputNames, type InputName } from './inputs.ts'
import { RULES } from './rules.ts'

/** What is about comments, jobs and pull requests: nothing that a terminal has. */
const OF_WORKFLOWS = /\bcomment\b|\bjobs\b|`mode:|`actions\/|pull request/

/** Inputs that have no meaning on a terminal: there is no pull request to comment on. */
export const WORKFLOW_ONLY = [
  'accept-label',
  'comment',
  'github-token',
  'record',
  'untouched',
  'mode',
  'reports',
  'allow-pull-request-target',
] as const satisfies InputName[]

/** An input that a command has as an option. */
type TerminalInput = Exclude<InputName, (typeof WORKFLOW_ONLY)[number]>

/** What a value is, for whoever completes it: a path, one of some words, several of them between commas, or anything. */
export type Values = 'file' | 'folder' | 'any' | { oneOf: readonly string[] } | { someOf: readonly string[] }

/** An option of a command. */
export type Option = {
  /** Without hyphens; the first is what it is known by. */
  names: readonly [string, ...string[]]
  short: string | null
  /** The input that it gives a value to; null: it is the command's own. */
  input: InputName | null
  /** What stands for its value in the help; null: it takes none. */
  value: string | null
  values: Values
  /** Given twice, it adds. */
  repeats: boolean
  /** The heading that it stands under. */
  group: Group
  text: string
}

const GROUPS = ['Which images', 'Build', 'What to measure', 'Budgets', 'Comparison', 'Output'] as const
export type Group = (typeof GROUPS)[number]

export const COMMANDS = ['check', 'diff', 'explore', 'report', 'history', 'init', 'completion', 'help'] as const
export type CommandName = (typeof COMMANDS)[number]

/** What a command is: the help, the parser and the shells' completion are made of it. */
export type CommandSpec = {
  /** What stands behind the command's name in its usage. */
  usage: readonly string[]
  /** For the list of commands: a few words. */
  summary: string
  /** For its own help: paragraphs. */
  about: readonly string[]
  /** What its arguments are. */
  takes: Values
  options: readonly Option[]
  examples: readonly string[]
  /** Paragraphs below the options. */
  notes: readonly string[]
}

/** The form of an input on a terminal. Its text is action.yml's (`terminalWords`), where none is given that a terminal needs. */
type InputForm = { value: string; group: Group; values?: Values; repeats?: true; text?: string }

const FILE = { values: 'file' } as const
const LIST = { repeats: true } as const

const INPUT_FORMS: Record<TerminalInput, InputForm> = {
  name: { group: 'Which images', value: 'NAME' },
  config: { group: 'Which images', value: 'FILE', ...FILE },
  images: { group: 'Which images', value: 'NAMES', ...LIST },
  dockerfiles: { group: 'Which images', value: 'GLOBS', ...FILE, ...LIST },
  'bake-files': { group: 'Which images', value: 'FILES', ...FILE, ...LIST },
  'bake-targets': { group: 'Which images', value: 'TARGETS', ...LIST },
  image: { group: 'Which images', value: 'IMAGE' },
  context: { group: 'Build', value: 'FOLDER', values: 'folder' },
  file: { group: 'Build', value: 'FILE', ...FILE },
  target: { group: 'Build', value: 'STAGE' },
  'build-args': { group: 'Build', value: 'KEY=VALUE', ...LIST },
  'build-contexts': { group: 'Build', value: 'NAME=VALUE', ...LIST },
  platforms: { group: 'Build', value: 'PLATFORMS', values: { someOf: ['linux/amd64', 'linux/arm64'] }, ...LIST },
  secrets: {
    group: 'Build',
    value: 'ID=VALUE',
    ...LIST,
    text: "Build secrets. Each is seen in the process list and the shell's history; one of `--secret-files` is not.",
  },
  'secret-files': { group: 'Build', value: 'ID=FILE', ...LIST },
  'cache-from': { group: 'Build', value: 'SOURCE', ...LIST },
  'cache-to': { group: 'Build', value: 'PLACE', ...LIST },
  builder: { group: 'Build', value: 'NAME' },
  'before-build': { group: 'Build', value: 'COMMAND' },
  metrics: { group: 'What to measure', value: 'METRICS', values: { someOf: WORDS.metrics }, ...LIST },
  'max-size': { group: 'Budgets', value: 'SIZE' },
  'max-download-size': { group: 'Budgets', value: 'SIZE' },
  'max-layers': { group: 'Budgets', value: 'N' },
  'max-increase': { group: 'Budgets', value: 'GROWTH' },
  budgets: { group: 'Budgets', value: 'BUDGET', ...LIST },
  forbid: { group: 'Budgets', value: 'RULES', values: { someOf: RULES }, ...LIST },
  baseline: { group: 'Comparison', value: 'BASELINE', values: { oneOf: WORDS.baseline } },
  'base-ref': { group: 'Comparison', value: 'REF' },
  'data-branch': { group: 'Comparison', value: 'BRANCH' },
  page: { group: 'Output', value: 'FILE', ...FILE },
  fail: { group: 'Budgets', value: 'BOOLEAN', values: { oneOf: WORDS.fail } },
}

/** Where `explore` writes the page to, where nobody says. */
export const DEFAULT_PAGE = 'image-budget.html'

/** Records of an image that `history` shows in its table, where nobody says how many. */
export const LAST_SHOWN = 30

/** An option that takes a value and is no input, or one that is with other words. */
const own = (name: string, value: string, text: string, more: Partial<Option> = {}): Option => ({
  names: [name],
  short: null,
  input: null,
  value,
  values: 'any',
  repeats: false,
  group: 'Output',
  text,
  ...more,
})

const flag = (name: string, text: string, more: Partial<Option> = {}): Option => ({
  ...own(name, '', text, more),
  value: null,
})

/** An input as an option. */
function inputOption(name: TerminalInput, more: Partial<Option> = {}): Option {
  const { value, group, values = 'any', repeats = false, text = terminalWords(descriptions[name]) } = INPUT_FORMS[name]
  return { names: [name], short: null, input: name, value, values, repeats, group, text, ...more }
}

const isTerminalInput = (name: InputName): name is TerminalInput => Object.hasOwn(INPUT_FORMS, name)

const BASE = inputOption('base-ref', {
  names: ['base', 'base-ref'],
  text: `${withoutDefault(terminalWords(descriptions['base-ref']))} Default: the merge base with the default branch.`,
})

const HELP = flag('help', 'Print this help.', { short: 'h' })
const VERBOSE = flag('verbose', 'Show the whole log of the builds, not only their steps.')
const FORMS: Option[] = [
  flag('json', 'Print the report as JSON (docs/report.md).'),
  flag('markdown', "Print the report as Markdown, as a job's summary has it."),
  flag('html', 'Print the report as one HTML file that needs no network.'),
]

/** The inputs of `check`, in action.yml's order. */
const CHECK_INPUTS = inputNames.filter(isTerminalInput).map((name) => (name === 'base-ref' ? BASE : inputOption(name)))

/** Of two images where they lie nothing is built, and what they are compared with is said. */
const OF_TWO: ReadonlySet<string> = new Set<InputName>([
  ...([
    'name',
    'config',
    'platforms',
    'metrics',
    'max-size',
    'max-download-size',
    'max-layers',
    'max-increase',
  ] as const),
  ...(['budgets', 'forbid', 'fail', 'page'] as const),
])

/** The form of a reference, for the commands that take one. */
const REFERENCES =
  'An image is named by where it lies: `docker://NAME` (a registry, with the credentials of `docker login`), `docker-daemon:NAME` (the Docker engine), `docker-archive:FILE`, `oci-archive:FILE`, `oci:FOLDER`. docs/configuration.md says more (`FILE:NAME`, `FILE:@0`, `NAME@sha256:…`).'

export const SPECS: Record<CommandName, CommandSpec> = {
  check: {
    usage: ['[OPTIONS] [CONTEXT]'],
    summary: 'build the change and its base, compare sizes, check budgets',
    about: [
      'Builds the image of the working tree (uncommitted changes included) and of its base, side by side, compares their sizes and checks them against the budgets. CONTEXT is the build context, a folder.',
    ],
    takes: 'folder',
    options: [...CHECK_INPUTS, ...FORMS, VERBOSE, HELP],
    examples: [
      'image-budget check --max-size "160 MB"',
      'image-budget check --base main --max-increase 3% services/api',
      'image-budget check --file docker/Dockerfile --target production --build-args VERSION=1',
      'image-budget check --image docker://ghcr.io/acme/api:1.1 --max-size "160 MB"',
      'image-budget check --html > report.html',
    ],
    notes: [],
  },
  diff: {
    usage: ['[OPTIONS] BASE IMAGE'],
    summary: 'compare two images where they lie',
    about: [
      'Compares two images where they lie, and checks the second against the budgets. Nothing is built.',
      REFERENCES,
    ],
    takes: 'file',
    options: [...CHECK_INPUTS.filter(({ input }) => input !== null && OF_TWO.has(input)), ...FORMS, VERBOSE, HELP],
    examples: [
      'image-budget diff docker-daemon:api:1.0 docker-daemon:api:1.1',
      'image-budget diff docker://ghcr.io/acme/api:1.0 docker-archive:api.tar --max-increase 3%',
      'image-budget diff oci:old oci:new --markdown',
    ],
    notes: [],
  },
  explore: {
    usage: ['[OPTIONS] [CONTEXT]', '[OPTIONS] IMAGE', '[OPTIONS] BASE IMAGE'],
    summary: 'write an interactive map of what is in an image',
    about: [
      'Measures as `check` and `diff` do, and writes a page to look at in a browser: an interactive map of what is in the image and what changed. It is one file that needs no network. Budgets are not judged.',
      REFERENCES,
    ],
    takes: 'folder',
    options: [
      ...CHECK_INPUTS.map((option) =>
        option.input === 'page'
          ? inputOption('page', {
              names: ['output', 'page'],
              text: `File to write the page to. Default: \`${DEFAULT_PAGE}\`.`,
            })
          : option,
      ),
      VERBOSE,
      HELP,
    ],
    examples: [
      'image-budget explore',
      'image-budget explore --output out/api.html services/api',
      'image-budget explore docker-daemon:api:1.0 docker-daemon:api:1.1',
    ],
    notes: [],
  },
  report: {
    usage: ['[OPTIONS] FILE...'],
    summary: 'show and judge JSON reports that were written before',
    about: [
      'Shows and judges JSON reports that were written before (`--json`, or the output `report` of the action), of one image or many: files, or folders of them.',
    ],
    takes: 'file',
    options: [
      inputOption('images', {
        text: 'Images that a report has to be there of. Default: those of the budget file, where it has a list.',
      }),
      inputOption('config', {
        text: 'Budget file that says which images there are, and of which a broken budget fails. `off`: none is read. Default: `.github/image-budget.yml`.',
      }),
      inputOption('fail'),
      ...FORMS,
      HELP,
    ],
    examples: [
      'image-budget report image-budget-reports',
      'image-budget report api.json worker.json --images api,worker',
      'image-budget report api.json --html > api.html',
    ],
    notes: [],
  },
  history: {
    usage: ['[OPTIONS]'],
    summary: "show how the default branch's images have grown",
    about: [
      'Shows how the images of the default branch have grown: what the action recorded on the data branch, asking the remote of the repository for it. Nothing is built or measured.',
    ],
    takes: 'any',
    options: [
      inputOption('name', { text: 'The one image that is wanted. Default: all images that are recorded.' }),
      own('platform', 'OS/ARCH', 'The one platform that is wanted: `linux/amd64`. Default: all.', {
        group: 'Which images',
        values: { oneOf: ['linux/amd64', 'linux/arm64'] },
      }),
      own(
        'last',
        'N',
        `So many of the newest records of each image. Default: ${LAST_SHOWN} in the table, all of them in the other forms.`,
        { group: 'Which images' },
      ),
      inputOption('config', {
        text: 'Budget file that may name the branch. `off`: none is read. Default: `.github/image-budget.yml`.',
      }),
      inputOption('data-branch', {
        group: 'Which images',
        text: 'Branch that has the records. Default: that of the budget file, or `image-budget`.',
      }),
      flag('offline', 'Do not ask the remote: show what the last fetch brought.', { group: 'Which images' }),
      flag('csv', 'Print every figure as CSV, a line a record (docs/history.md).'),
      flag('json', 'Print every figure as JSON (docs/history.md).'),
      HELP,
    ],
    examples: [
      'image-budget history --name api --last 100',
      'image-budget history --csv > history.csv',
      'image-budget history --platform linux/amd64 --offline',
    ],
    notes: [],
  },
  init: {
    usage: ['[OPTIONS]'],
    summary: "measure the repository's images, write a first budget file",
    about: [
      'Builds and measures the images of the repository, those of its bake file and its other committed Dockerfiles, and writes a first .github/image-budget.yml of what they have.',
    ],
    takes: 'any',
    options: [
      inputOption('builder'),
      flag('dry-run', 'Print the file, and write none.'),
      flag('force', 'Write it anew where there is one.'),
      flag('json', 'Print what was found and measured, and the file, as JSON; write none.'),
      VERBOSE,
      HELP,
    ],
    examples: ['image-budget init --dry-run', 'image-budget init --builder remote'],
    notes: [],
  },
  completion: {
    usage: ['bash | zsh | fish'],
    summary: 'print a completion script for bash, zsh or fish',
    about: ['Prints a script that completes commands, options and their values in a shell.'],
    takes: { oneOf: ['bash', 'zsh', 'fish'] },
    options: [HELP],
    examples: [
      'eval "$(image-budget completion bash)"',
      'image-budget completion zsh > ~/.zfunc/_image-budget',
      'image-budget completion fish > ~/.config/fish/completions/image-budget.fish',
    ],
    notes: [
      'bash: put the first line into ~/.bashrc. zsh: the folder has to be in `fpath` before `compinit` is called (`fpath+=~/.zfunc` in ~/.zshrc). fish finds the file by itself.',
    ],
  },
  help: {
    usage: ['[COMMAND]'],
    summary: "show a command's options and examples",
    about: ['Shows what a command does, its options and examples.'],
    takes: { oneOf: COMMANDS.filter((name) => name !== 'help') },
    options: [HELP],
    examples: ['image-budget help check'],
    notes: [],
  },
}

/** Options without a command. */
export const TOP_OPTIONS: readonly Option[] = [
  { ...HELP, text: 'Print this help; with a command, its own.' },
  flag('version', 'Print the version.', { short: 'v' }),
]

/** Every option that there is, once for each name. */
export const ALL_OPTIONS: readonly Option[] = [...TOP_OPTIONS, ...COMMANDS.flatMap((name) => SPECS[name].options)]

/** A command's options under their headings, in the headings' order. */
export function grouped(options: readonly Option[]): [Group, Option[]][] {
  return GROUPS.map((group): [Group, Option[]] => [group, options.filter((option) => option.group === group)]).filter(
    ([, members]) => members.length > 0,
  )
}

/**
 * What action.yml says of an input, for who gives it as an option: without what is about workflows alone, and in the terminal's words.
 */
export function terminalWords(description: string): string {
  const sentences = description.split(/(?<=\.\)?) (?=[A-Z`])/)
  const kept = sentences.flatMap((sentence) => {
    const clauses = sentence.split(/(?<=;) |(?<=,) (?=to be )/).filter((clause) => !OF_WORKFLOWS.test(clause))
    return clauses.length === 0 ? [] : [clauses.join(' ').replace(/[;,.]*$/, '.')]
  })
  return kept
    .join(' ')
    .replaceAll('the job', 'the command')
    .replaceAll('an input', 'an option')
    .replaceAll(/\binputs\b/g, 'options')
    .replaceAll(/`([a-z-]+)`/g, (code, name: string) => (Object.hasOwn(INPUT_FORMS, name) ? `\`--${name}\`` : code))
}

function withoutDefault(text: string): string {
  return text.replace(/ Default: .*$/, '')
}
