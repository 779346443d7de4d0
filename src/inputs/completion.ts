import type { Shell } from './command-line.ts'
import { COMMANDS, SPECS, TOP_OPTIONS, type CommandName, type Option, type Values } from './commands.ts'

/** A script that completes the command in a shell; it asks nothing of the program itself. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]()
}

/** The start of what a text says, for a list in a terminal: plain words, within single quotes. */
function inShort(text: string): string {
  const [sentence = ''] = text.split(/(?<=[^.])[.:;](?: |$)/)
  const [words = ''] = /^.{1,72}(?= |$)/.exec(sentence.replaceAll(/[^\w .,/+'()-]/g, '')) ?? []
  return words
    .replace(/ \([^)]*$/, '')
    .replace(/,$/, '')
    .replaceAll("'", String.raw`'\''`)
}

const dashed = (options: readonly Option[]): string[] =>
  options.flatMap(({ names, short }) => [...names.map((name) => `--${name}`), ...(short === null ? [] : [`-${short}`])])

const words = (values: Values): readonly string[] => {
  if (typeof values === 'string') return []
  return 'oneOf' in values ? values.oneOf : values.someOf
}

/**
 * No newer than bash 3.2, which macOS has. What has no words of its own is left to bash (`-o default`): files. `--option=value` comes in three words,
 * for `=` ends a word there.
 */
function bash(): string {
  const values = COMMANDS.map((command) => {
    const cases = SPECS[command].options
      .filter(({ value }) => value !== null)
      .map((option) => {
        const names = option.names.map((name) => `--${name}`).join('|')
        const list = words(option.values).join(' ')
        const isSome = typeof option.values === 'object' && 'someOf' in option.values
        return `        ${names}) words='${list}'${isSome ? ' some=1' : ''}; isValue=1 ;;`
      })
    return `    ${command})
      options='${dashed(SPECS[command].options).join(' ')}'
      arguments='${words(SPECS[command].takes).join(' ')}'
      case "$previous" in
${[...cases, '        *) ;;'].join('\n')}
      esac ;;`
  })
  return `# bash completion of image-budget. Made by \`image-budget completion bash\`.
_image_budget() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous='' command='' word
  local options='${dashed(TOP_OPTIONS).join(' ')}' arguments='' words='' some='' isValue='' before=''
  [ "$COMP_CWORD" -lt 1 ] || previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  if [ "$current" = = ]; then
    current=''
  elif [ "$previous" = = ] && [ "$COMP_CWORD" -gt 1 ]; then
    previous="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case "$word" in
      ${COMMANDS.join('|')}) command="$word"; break ;;
    esac
  done
  case "$command" in
${values.join('\n')}
    *) arguments='${COMMANDS.join(' ')}' ;;
  esac
  COMPREPLY=()
  if [ -n "$isValue" ]; then
    # What stands before the last comma is chosen already.
    if [ -n "$some" ] && [ "$current" != "\${current%,*}" ]; then before="\${current%,*},"; fi
    [ -z "$words" ] || COMPREPLY=($(compgen -P "$before" -W "$words" -- "\${current#"$before"}"))
    return
  fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) [ -z "$arguments" ] || COMPREPLY=($(compgen -W "$arguments" -- "$current")) ;;
  esac
}
complete -o default -F _image_budget image-budget
`
}

/** What zsh's \`_arguments\` does with a value. */
function zshAction(values: Values): string {
  if (values === 'file') return '_files'
  if (values === 'folder') return '_files -/'
  if (values === 'any') return ' '
  return 'oneOf' in values ? `(${values.oneOf.join(' ')})` : `_values -s , value ${values.someOf.join(' ')}`
}

function zshOption({ names, short, value, values, repeats, text }: Option): string[] {
  const all = [...(short === null ? [] : [`-${short}`]), ...names.map((name) => `--${name}`)]
  const others = repeats ? '*' : all.length > 1 ? `(${all.join(' ')})` : ''
  const takes = value === null ? '' : `:${value}:${zshAction(values)}`
  return all.map(
    (name) => `'${others}${name}${value === null || name.length === 2 ? '' : '='}[${inShort(text)}]${takes}'`,
  )
}

function zshArguments(command: CommandName): string[] {
  const { takes } = SPECS[command]
  if (takes === 'any') return []
  return [`'*:argument:${zshAction(takes)}'`]
}

function zsh(): string {
  const commands = COMMANDS.map((name) => `    '${name}:${inShort(SPECS[name].summary)}'`)
  const cases = COMMANDS.map((name) => {
    const specs = [...SPECS[name].options.flatMap(zshOption), ...zshArguments(name)]
    return `    ${name})\n      _arguments -s ${specs.map((spec) => `\\\n        ${spec}`).join(' ')} ;;`
  })
  return `#compdef image-budget
# zsh completion of image-budget. Made by \`image-budget completion zsh\`.
_image_budget() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${commands.join('\n')}
  )
  _arguments -C ${TOP_OPTIONS.flatMap(zshOption).join(' ')} '1: :->command' '*:: :->arguments' && return
  case $state in
  command) _describe command commands ;;
  arguments)
    case $words[1] in
${cases.join('\n')}
    esac ;;
  esac
}
if [ "$funcstack[1]" = _image_budget ] || [ "$funcstack[1]" = _image-budget ]; then
  _image_budget "$@"
else
  compdef _image_budget image-budget
fi
`
}

function fish(): string {
  const none = `not __fish_seen_subcommand_from ${COMMANDS.join(' ')}`
  const lines = COMMANDS.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command}`
    const { takes, options, summary } = SPECS[command]
    const list = words(takes)
    const known = options.map((option) => fishOption(seen, option))
    if (list.length > 0) known.push(`complete -c image-budget -n '${seen}' -f -a '${list.join(' ')}'`)
    return [`complete -c image-budget -n '${none}' -f -a ${command} -d '${inShort(summary)}'`].concat(known)
  })
  return `# fish completion of image-budget. Made by \`image-budget completion fish\`.
${[...TOP_OPTIONS.map((option) => fishOption(none, option)), ...lines].join('\n')}
`
}

function fishOption(condition: string, { names, short, value, values, text }: Option): string {
  const name = [...(short === null ? [] : [`-s ${short}`]), ...names.map((each) => `-l ${each}`)].join(' ')
  const list = words(values)
  const takes =
    value === null
      ? ''
      : values === 'file' || values === 'folder'
        ? ' -r -F'
        : ` -x${list.length > 0 ? ` -a '${fishList(values, list)}'` : ''}`
  return `complete -c image-budget -n '${condition}' ${name}${takes} -d '${inShort(text)}'`
}

/** Several between commas: fish's own function for it says what is chosen already. */
function fishList(values: Values, list: readonly string[]): string {
  return typeof values === 'object' && 'someOf' in values ? `(__fish_append , ${list.join(' ')})` : list.join(' ')
}
