import { describe, expect, it } from '@jest/globals'
import { COMMANDS, SPECS, terminalWords, type CommandName } from '../../src/inputs/commands.ts'
import { helpText } from '../../src/inputs/help.ts'

const ALL: (CommandName | null)[] = [null, ...COMMANDS]

/** Words that are never broken: an example's, an address. */
const longest = (text: string): number => Math.max(...text.split(/\s+/).map((word) => word.length))

describe('the help', () => {
  it('of the program fits a screen, and names every command', () => {
    const help = helpText(null, 80)
    expect(help.split('\n').length).toBeLessThanOrEqual(40)
    for (const command of COMMANDS) expect(help).toMatch(new RegExp(`^  ${command} +\\w`, 'm'))
    expect(help).toContain('image-budget COMMAND --help')
  })

  it.each(ALL)('of %s fits the terminal, and is never wider than can be read', (command) => {
    for (const width of [40, 60, 80, 100]) {
      const wide = helpText(command, width)
        .split('\n')
        .filter((line) => line.length > width && line.trim().length > longest(line))
      expect(wide).toEqual([])
    }
    expect(helpText(command, 300)).toBe(helpText(command, 100))
  })

  it.each(COMMANDS)('of %s has its usage, examples, and every option once', (command) => {
    const help = helpText(command, 80)
    expect(help).toMatch(new RegExp(`^Usage: image-budget ${command} `))
    expect(help).toContain(
      `Examples:\n  image-budget ${command}`.replace('  image-budget completion', '  eval "$(image-budget completion'),
    )
    for (const { names } of SPECS[command].options)
      for (const name of names)
        expect(help.match(new RegExp(`^  .*--${name}(?![\\w-])`, 'gm'))?.length).toBeGreaterThan(0)
  })

  it('groups the many options of check', () => {
    const headings = helpText('check', 80).match(/^[A-Z][\w ]+:$/gm)
    expect(headings).toEqual([
      'Examples:',
      'Which images:',
      'Build:',
      'What to measure:',
      'Budgets:',
      'Comparison:',
      'Output:',
    ])
  })

  it('says nothing that only a workflow has', () => {
    for (const command of COMMANDS)
      for (const { text, input } of SPECS[command].options)
        if (input !== null)
          expect(text).not.toMatch(/\bcomment\b|the job|`mode|pull request|upload-artifact|\binputs?\b/)
  })

  it('says what becomes of a secret that is typed', () => {
    const help = helpText('check', 300).replaceAll(/\s+/g, ' ')
    expect(help).toContain("is seen in the process list and the shell's history; one of --secret-files is not")
    expect(help).not.toContain('never on a command line')
  })

  it('says a default as it is typed', () => {
    expect(helpText('check', 100)).toMatch(/^ +--context FOLDER .*Default: \.$/m)
    expect(helpText('check', 100)).not.toMatch(/Default: (?:true|auto)\.$/m)
  })
})

describe('terminalWords', () => {
  it('leaves out what is about workflows, sentence by sentence and clause by clause', () => {
    expect(terminalWords('A name; also keys its comment. Default: `x`.')).toBe('A name. Default: `x`.')
    expect(terminalWords('Images. They share one report, one comment and one verdict. All of them.')).toBe(
      'Images. All of them.',
    )
    expect(terminalWords('A file, to be kept with `actions/upload-artifact`. None else.')).toBe('A file. None else.')
    expect(terminalWords('Fails the job, unless `context` is an input.')).toBe(
      'Fails the command, unless `--context` is an option.',
    )
  })
})
