import { parseArgs } from 'node:util'
import { closestMatch } from 'leven'
import { CouldNotMeasure, type Failure } from '../failure.ts'
import {
  ALL_OPTIONS,
  COMMANDS,
  DEFAULT_PAGE,
  SPECS,
  TOP_OPTIONS,
  WORKFLOW_ONLY,
  type CommandName,
  type Option,
} from './commands.ts'
import { IMAGE_FORM, onOneLine } from './inputs.ts'
import { parseReference } from './reference.ts'

/** How a report is printed. `text`: for a person at a terminal. */
export type Form = 'text' | (typeof FORMS)[number]
const FORMS = ['json', 'markdown', 'html'] as const

/** What the command line asks for. */
export type Command =
  | {
      kind: 'check'
      values: Record<string, string>
      /** The image to compare with was named for nothing else: it has to be there. */
      mustExist: boolean
      form: Form
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
      form: Form
    }
  | { kind: 'completion'; shell: Shell }
  /** `command` null: of the whole program. */
  | { kind: 'help'; command: CommandName | null }
  | { kind: 'version' }

const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** What `init` is asked for. */
export type InitCommand = {
  kind: 'init'
  /** A file that is there already is written anew. */
  force: boolean
  /** The file is only shown. */
  dryRun: boolean
  /** What was found, measured and made of it is printed as JSON, and no file written. */
  json: boolean
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

/** How the arguments are split; which of the options a command has is looked at afterwards. */
const KNOWN = Object.fromEntries(
  ALL_OPTIONS.flatMap(({ names, short, value }) =>
    names.map((name) => [
      name,
      { type: value === null ? ('boolean' as const) : ('string' as const), ...(short !== null && { short }) },
    ]),
  ),
)

/**
 * Reads the arguments after the program's name. Options are the inputs by their names; one that takes a list may be given more than
 * once. Throws CouldNotMeasure `input` for what is not understood.
 */
export function readCommand(argv: string[]): Command {
  const { given, words } = split(argv)
  const [first, ...rest] = words
  const command = commandOf(words)
  const asks = (option: string): boolean => given.some(({ name }) => name === option)
  if (argv.length === 0) return { kind: 'help', command: null }
  if (command === undefined) {
    // Nothing that looks like a command, but a wish that needs none.
    if (first === undefined && asks('help')) return { kind: 'help', command: null }
    if (first === undefined && asks('version')) return { kind: 'version' }
    throw notUnderstood([noCommand(first?.text ?? null, given)], null)
  }
  if (asks('help')) return { kind: 'help', command: command === 'help' ? null : command }
  if (asks('version')) return { kind: 'version' }
  if (command === 'help') {
    const about = COMMANDS.find((name) => name === rest[0]?.text)
    if (rest.length > 0 && about === undefined) throw notUnderstood([noCommand(rest[0]!.text, [])], null)
    return { kind: 'help', command: about ?? null }
  }

  const options = readOptions(command, given)
  // What stands behind an option that is not known may be its value.
  const args: Arguments = {
    texts: rest.filter((word) => !word.isUnsure).map(({ text }) => text),
    isSure: rest.every((word) => !word.isUnsure),
  }
  const read = {
    check: () => readMeasuring(options, args, 'check'),
    diff: () => readMeasuring(options, args, 'diff'),
    explore: () => readMeasuring(options, args, 'explore'),
    report: () => readReport(options, args),
    history: () => readHistory(options, args),
    init: () => readInit(options, args),
    completion: () => readCompletion(options, args),
  }[command]()
  if (options.problems.length > 0) throw notUnderstood(options.problems, command)
  return read
}

/**
 * The command that the arguments name, null for none, and the form that a report is wanted in, also where the rest of them is not understood.
 * `text` where several forms are, or the command prints no report.
 */
export function wishOf(argv: string[]): { command: CommandName | null; form: Form } {
  const { given, words } = split(argv)
  const command = commandOf(words) ?? null
  const known = SPECS[command ?? 'check'].options.flatMap(({ names }) => names)
  const forms = FORMS.filter((form) => given.some(({ name }) => name === form))
  const [form = 'text', ...more] = known.includes('markdown') ? forms : []
  return { command, form: more.length > 0 ? 'text' : form }
}

function commandOf([first]: readonly Word[]): CommandName | undefined {
  return COMMANDS.find((name) => name === first?.text)
}

/** An option as it was given; without `value`: it has none. */
type Given = { name: string; rawName: string; value: string | undefined }
/** An argument that is no option. `isUnsure`: it may be the value of one that is not known. */
type Word = { text: string; isUnsure: boolean }
/** `isSure` false: there may be one more or less. */
type Arguments = { texts: string[]; isSure: boolean }
/** A command's options: values by the name that the option is known by, flags with an empty one. */
type Options = { values: ReadonlyMap<string, string>; inputs: Record<string, string>; problems: string[] }

function split(argv: string[]): { given: Given[]; words: Word[] } {
  const { tokens } = parseArgs({ args: argv, options: KNOWN, strict: false, allowPositionals: true, tokens: true })
  const given: Given[] = []
  const words: Word[] = []
  let isUnsure = false
  for (const token of tokens) {
    if (token.kind === 'positional') {
      words.push({ text: token.value, isUnsure: isUnsure && !COMMANDS.some((name) => name === token.value) })
      isUnsure = false
    } else if (token.kind === 'option') {
      // `--builder --json`: what looks like an option is one, and no value.
      const isOption = token.inlineValue === false && /^--[a-z]/.test(token.value)
      const value = isOption ? undefined : token.value
      given.push({ name: token.name, rawName: token.rawName, value })
      if (isOption) given.push(...split([token.value]).given)
      isUnsure = token.value === undefined && !Object.hasOwn(KNOWN, token.name)
    }
  }
  return { given, words }
}

/** What of the options a command has, and a sentence for each that it does not. */
function readOptions(command: CommandName, given: readonly Given[]): Options {
  const values = new Map<string, string>()
  const inputs: Record<string, string> = {}
  const problems: string[] = []
  for (const { name, rawName, value } of given) {
    const option = SPECS[command].options.find(({ names }) => names.includes(name))
    if (option === undefined) problems.push(noOption(name, rawName, command))
    else if (option.value === null && value !== undefined) problems.push(`\`${rawName}\` takes no value.`)
    else if (option.value !== null && !value)
      problems.push(`\`${rawName}\` takes a value: \`${rawName} ${option.value}\`.`)
    else {
      values.set(option.names[0], added(option, values.get(option.names[0]), value ?? ''))
      if (option.input !== null) inputs[option.input] = added(option, inputs[option.input], value ?? '')
    }
  }
  return { values, inputs, problems }
}

function added({ repeats }: Option, before: string | undefined, value: string): string {
  return repeats && before !== undefined ? `${before}\n${value}` : value
}

/** `check`, `diff` and `explore`. */
function readMeasuring(
  { values, inputs, problems }: Options,
  { texts, isSure }: Arguments,
  command: 'check' | 'diff' | 'explore',
): Command {
  const explores = command === 'explore'
  const isOfTwo = command === 'diff' || (explores && texts.length > 1)
  const reference = explores && texts.length === 1 ? parseReference(texts[0]!) : null
  if (reference !== null) {
    if (values.has('image'))
      problems.push(`The image is given twice: \`${onOneLine(reference.text)}\` and \`--image\`.`)
    inputs['image'] = reference.text
  } else if (!isOfTwo) {
    if (texts[0] !== undefined && values.has('context'))
      problems.push(`The build context is given twice: \`${onOneLine(texts[0])}\` and \`--context\`.`)
    if (texts.length > 1)
      problems.push(`\`${onOneLine(texts[1]!)}\` is one argument too many; \`check\` takes at most the build context.`)
    if (texts[0] !== undefined) inputs['context'] = texts[0]
  } else if (texts.length === 2) {
    // `none` and the like are a baseline, and an empty text is an input not given: `diff` compares two images, or it fails.
    const unclear = texts.filter((text) => parseReference(text) === null).map((text) => `\`${onOneLine(text)}\``)
    if (unclear.length > 0) problems.push(`\`${command}\` has ${unclear.join(' and ')}; it takes ${IMAGE_FORM}.`)
    for (const name of ['image', 'baseline', 'base'].filter((each) => values.has(each)))
      problems.push(
        `\`--${name}\` has no place beside two images: ${name === 'image' ? 'the second' : 'the first'} argument says it.`,
      )
    ;[inputs['baseline'], inputs['image']] = texts as [string, string]
  } else if (isSure) {
    problems.push(
      `\`${command}\` takes two images, the one to compare with and the one to judge: \`image-budget ${command} docker-daemon:api:1.0 docker-daemon:api:1.1\`.`,
    )
  }
  if (explores) inputs['page'] ??= DEFAULT_PAGE
  const form = formOf(values, problems)
  return { kind: 'check', values: inputs, mustExist: isOfTwo, explores, form, verbose: values.has('verbose') }
}

/** Of the forms of a report at most one. */
function formOf(values: Options['values'], problems: string[]): Form {
  const [form, ...more] = FORMS.filter((each) => values.has(each))
  if (more.length > 0) problems.push(oneForm([form!, ...more]))
  return form ?? 'text'
}

function oneForm(forms: readonly string[]): string {
  const [last, ...others] = forms.map((form) => `\`--${form}\``).toReversed()
  const all = `${others.toReversed().join(', ')} and ${last}`
  return `${all} are forms of the same; leave ${forms.length === 2 ? 'one of the two' : 'all but one'} out.`
}

function readHistory({ values, inputs, problems }: Options, { texts }: Arguments): HistoryCommand {
  problems.push(...tooMany('history', texts))
  const [platform, last] = [values.get('platform') ?? null, values.get('last') ?? null]
  if (platform !== null && !/^\w+(?:\/[\w.]+){1,2}$/.test(platform))
    problems.push(`\`--platform\` has \`${onOneLine(platform)}\`; it takes one platform: \`linux/amd64\`.`)
  if (last !== null && !/^[1-9]\d{0,8}$/.test(last))
    problems.push(`\`--last\` has \`${onOneLine(last)}\`; it takes a number of records, 1 or more: \`30\`.`)
  if (values.has('csv') && values.has('json')) problems.push(oneForm(['csv', 'json']))
  return {
    kind: 'history',
    values: inputs,
    platform,
    last: last === null ? null : Number(last),
    form: values.has('csv') ? 'csv' : values.has('json') ? 'json' : 'table',
    offline: values.has('offline'),
  }
}

function readInit({ values, problems }: Options, { texts }: Arguments): InitCommand {
  problems.push(...tooMany('init', texts))
  return {
    kind: 'init',
    force: values.has('force'),
    dryRun: values.has('dry-run'),
    json: values.has('json'),
    verbose: values.has('verbose'),
    builder: values.get('builder') ?? null,
  }
}

function tooMany(command: CommandName, texts: readonly string[]): string[] {
  return texts.map((text) => `\`${onOneLine(text)}\` is one argument too many; \`${command}\` takes options alone.`)
}

/** The files that it reads stand among the arguments. */
function readReport({ values, inputs, problems }: Options, { texts, isSure }: Arguments): Command {
  if (texts.length === 0 && isSure)
    problems.push(
      '`report` takes the JSON reports to show, or folders of them: `image-budget report api.json worker.json`.',
    )
  return { kind: 'report', values: inputs, paths: texts, form: formOf(values, problems) }
}

function readCompletion({ problems }: Options, { texts, isSure }: Arguments): Command {
  const shell = SHELLS.find((each) => each === texts[0])
  if ((shell === undefined && isSure) || texts.length > 1) {
    const has = texts.length === 0 ? '' : ` has \`${onOneLine(texts.join(' '))}\`; it`
    problems.push(`\`completion\`${has} takes a shell: \`bash\`, \`zsh\` or \`fish\`.${meant(texts[0], SHELLS)}`)
  }
  return { kind: 'completion', shell: shell ?? 'bash' }
}

function notUnderstood(problems: readonly string[], command: CommandName | null): CouldNotMeasure {
  return new CouldNotMeasure('input', problems.join('\n'), { remedy: whereToldOf(command) })
}

function whereToldOf(command: CommandName | null): string {
  return command === null
    ? '`image-budget --help` lists the commands.'
    : `\`image-budget ${command} --help\` lists its options.`
}

/** An error in the words of who gives inputs as options of a command: what to do about it, and, of inputs that are not valid, where they are told of. */
export function ofOptions(failure: Failure, command: CommandName | null): Failure {
  // What a budget file says is mended there.
  if (failure.kind === 'input' && /^(?:A setting is|\d+ settings are) not valid:/.test(failure.message)) return failure
  const remedy = failure.remedy === null || command === null ? failure.remedy : namedAsOptions(failure.remedy, command)
  if (failure.kind !== 'input' || !/^(?:An input is|\d+ inputs are) not valid:/.test(failure.message))
    return { ...failure, remedy }
  const message = failure.message
    .replace(/^An input is/, 'An option is')
    .replace(/^(\d+) inputs are/, '$1 options are')
    .replaceAll(/^- `(?=[a-z-]+` has )/gm, '- `--')
  return { ...failure, message, remedy: remedy ?? whereToldOf(command) }
}

/** `--file` for `file`, `--baseline build` for `baseline: build`, where the command has it. */
function namedAsOptions(text: string, command: CommandName): string {
  const { options } = SPECS[command]
  return text.replaceAll(/`([a-z][a-z-]*)(?:: ([^`]+))?`/g, (whole, name: string, value: string | undefined) => {
    const option = options.find(({ input }) => input === name)
    if (option === undefined) return whole
    return `\`--${option.names[0]}${value === undefined ? '' : ` ${value}`}\``
  })
}

function noCommand(text: string | null, given: readonly Given[]): string {
  const all = COMMANDS.map((name) => `\`${name}\``).join(', ')
  if (text !== null) return `\`${onOneLine(text)}\` is not a command.${meant(text, COMMANDS)} The commands are ${all}.`
  const [option] = given
  const before = option === undefined ? '' : ` before \`${onOneLine(option.rawName)}\``
  return `There is no command${before}. The commands are ${all}.`
}

/** The nearest of some words; nothing where none is near. */
function meant(text: string | undefined, words: readonly string[]): string {
  const near =
    text === undefined ? undefined : closestMatch(text.slice(0, 100).toLowerCase(), [...words], { maxDistance: 2 })
  return near === undefined ? '' : ` Did you mean \`${near}\`?`
}

/** The sentence on what is no option of a command: what it was most likely meant as, or where it belongs. */
function noOption(name: string, rawName: string, command: CommandName): string {
  const shown = `\`${onOneLine(rawName)}\``
  const known = SPECS[command].options.flatMap(({ names }) => names)
  const [slip, near] = [1, 2].map((maxDistance) => nearest(name, known, maxDistance))
  const owners = COMMANDS.filter((each) => SPECS[each].options.some(({ names }) => names.includes(name)))
  if (slip !== undefined) return `${shown} is not an option; did you mean \`--${slip}\`?`
  if (name === 'output')
    return `${shown} has no place in \`${command}\`; \`explore\` has it, the others have \`--page\`.`
  if (owners.length > 0) {
    const have = `${owners.map((each) => `\`${each}\``).join(', ')} ${owners.length === 1 ? 'has' : 'have'} it`
    return `${shown} has no place in \`${command}\`; ${have}.`
  }
  if (near !== undefined) return `${shown} is not an option; did you mean \`--${near}\`?`
  if (TOP_OPTIONS.some(({ names }) => names.includes(name))) return `${shown} stands alone.`
  return WORKFLOW_ONLY.some((each) => each === name)
    ? `${shown} is not an option: on a terminal there is no workflow, no pull request to comment on, and nothing to record.`
    : `${shown} is not an option.`
}

/** The name that a misspelt one was most likely meant as: `max_size`, `maxsize`, `max-sise`. */
function nearest(name: string, known: readonly string[], maxDistance: number): string | undefined {
  const byLetters = new Map(known.map((each) => [letters(each), each]))
  return byLetters.get(closestMatch(letters(name), [...byLetters.keys()], { maxDistance }) ?? '')
}

function letters(text: string): string {
  return text
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}
