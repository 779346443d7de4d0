import { COMMANDS, SPECS, TOP_OPTIONS, grouped, type CommandName, type Option } from './commands.ts'
import { wordWrap } from './word-wrap.ts'

/** Wider than this, lines are hard to read. */
const WIDTH_MAX = 100
const WIDTH_MIN = 40
/** Narrower than this, what an option means stands below its name. */
const TWO_COLUMNS = 72
/** Columns of the options' names. */
const NAMES_WIDTH = 28

/** What the terminal's help says of the whole program, or of one command; `width` in columns. */
export function helpText(command: CommandName | null, width: number): string {
  const columns = Math.max(WIDTH_MIN, Math.min(width, WIDTH_MAX))
  const blocks = command === null ? programHelp(columns) : commandHelp(command, columns)
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function programHelp(width: number): string[][] {
  const longest = Math.max(...COMMANDS.map((name) => name.length))
  const commands = COMMANDS.flatMap((name) => described(name, SPECS[name].summary, longest + 4, width))
  return [
    wrap('Keeps container images inside a size budget.', width),
    ['Usage: image-budget COMMAND [OPTIONS]'],
    ['Commands:', ...commands],
    ['Options:', ...TOP_OPTIONS.flatMap((option) => optionLines(option, longest + 7, width))],
    [
      'Examples:',
      ...example('image-budget check --max-size "160 MB"', width),
      ...example('image-budget diff docker-daemon:api:1.0 docker-daemon:api:1.1', width),
      ...example('image-budget explore', width),
      ...example('image-budget init --dry-run', width),
    ],
    wrap('image-budget COMMAND --help lists the options of a command, with examples.', width),
    wrap(EXIT_CODES, width),
    wrap('More: https://github.com/image-budget/image-budget#readme', width),
  ]
}

function commandHelp(command: CommandName, width: number): string[][] {
  const { usage, about, options, examples, notes } = SPECS[command]
  const usages = usage.flatMap((form, at) => {
    const start = at === 0 ? 'Usage: ' : '       '
    const [first = '', ...more] = wrap(`image-budget ${command} ${form}`, width - start.length)
    return [`${start}${first}`].concat(more.map((line) => `           ${line}`))
  })
  // One group alone needs no name.
  const groups = grouped(options)
  const named = groups.map(([group, members]) =>
    [`${groups.length === 1 ? 'Options' : group}:`].concat(
      members.flatMap((option) => optionLines(option, NAMES_WIDTH, width)),
    ),
  )
  const repeats = options.some((option) => option.repeats)
  const judges = command === 'check' || command === 'diff' || command === 'report'
  return [
    usages,
    ...about.map((paragraph) => wrap(paragraph, width)),
    ['Examples:', ...examples.flatMap((line) => example(line, width))],
    ...named,
    ...(repeats ? [wrap('Options with ... may be given more than once.', width)] : []),
    ...notes.map((paragraph) => wrap(paragraph, width)),
    ...(judges ? [wrap(EXIT_CODES, width)] : []),
  ]
}

const EXIT_CODES = 'Exit code: 0 within budget, 1 over budget, 2 could not measure (or show), 130 cancelled.'

/** An example is copied: it is not broken where it can be helped. */
function example(line: string, width: number): string[] {
  return line.length + 2 <= width
    ? [`  ${line}`]
    : wrap(line, width - 6).map(
        (part, at, all) => `${at === 0 ? '  ' : '      '}${part}${at < all.length - 1 ? ' \\' : ''}`,
      )
}

function optionLines(option: Option, names: number, width: number): string[] {
  return described(optionName(option), option.text, names, width)
}

/** `-h, --help`, `--base, --base-ref REF`, `--build-args KEY=VALUE ...`. */
function optionName({ names, short, value, repeats }: Option): string {
  const all = [...(short === null ? [] : [`-${short}`]), ...names.map((name) => `--${name}`)].join(', ')
  return `${all}${value === null ? '' : ` ${value}`}${repeats ? ' ...' : ''}`
}

/** A name, and what it means beside it; below it, where there is no room. */
function described(name: string, text: string, names: number, width: number): string[] {
  const start = `  ${name}`
  if (width < TWO_COLUMNS) return [start, ...wrap(text, width - 6).map((line) => `      ${line}`)]
  const lines = wrap(text, width - names)
  const [first = '', ...more] = lines
  const head = start.length + 2 <= names ? [`${start.padEnd(names)}${first}`] : [start, `${' '.repeat(names)}${first}`]
  return [...head, ...more.map((line) => `${' '.repeat(names)}${line}`)]
}

/** Lines of at most `width` columns, without backticks. A default that is a word alone has no full stop behind it. */
function wrap(text: string, width: number): string[] {
  return wordWrap(text.replace(/(Default: `[^`]+`)\.$/, '$1').replaceAll('`', ''), width)
}
