import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { completionScript } from '../../src/inputs/completion.ts'
import { COMMANDS } from '../../src/inputs/commands.ts'
import { RULES } from '../../src/inputs/rules.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-completion-'))
  for (const shell of SHELLS) writeFileSync(join(folder, shell), completionScript(shell))
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(shell: string, ...args: string[]): { status: number | null; lines: string[]; stderr: string } {
  const env = { PATH: process.env.PATH, HOME: folder, TERM: 'dumb' }
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8', env, cwd: folder })
  return { status, lines: (stdout ?? '').split('\n').filter((line) => line !== ''), stderr: stderr ?? '' }
}

describe('bash', () => {
  /** What bash offers for the last of the words, which stand as readline splits them. */
  const complete = (...words: string[]): string[] => {
    const script =
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _image_budget; printf "%s\\n" "${COMPREPLY[@]}"'
    const { status, lines, stderr } = run('bash', '--norc', '-uc', script, 'bash', join(folder, 'bash'), ...words)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return lines
  }

  it('completes commands, and options before one', () => {
    expect(complete('image-budget', '')).toEqual([...COMMANDS])
    expect(complete('image-budget', 'ex')).toEqual(['explore'])
    expect(complete('image-budget', '--ver')).toEqual(['--version'])
    expect(complete('image-budget', 'help', 'di')).toEqual(['diff'])
    expect(complete('image-budget', 'completion', '')).toEqual([...SHELLS])
  })

  it("completes a command's own options", () => {
    expect(complete('image-budget', 'check', '--max-')).toEqual([
      '--max-size',
      '--max-download-size',
      '--max-layers',
      '--max-increase',
    ])
    expect(complete('image-budget', 'check', '--verbose', '--base-')).toEqual(['--base-ref'])
    expect(complete('image-budget', 'diff', '--fi')).toEqual([])
    expect(complete('image-budget', 'history', '--o')).toEqual(['--offline'])
  })

  it('completes values', () => {
    expect(complete('image-budget', 'check', '--baseline', '')).toEqual(['auto', 'record', 'build', 'none'])
    expect(complete('image-budget', 'check', '--baseline', '=', 'no')).toEqual(['none'])
    expect(complete('image-budget', 'check', '--baseline', '=')).toEqual(['auto', 'record', 'build', 'none'])
    expect(complete('image-budget', 'check', '--forbid', '')).toEqual([...RULES])
    expect(complete('image-budget', 'check', '--forbid', 'secrets,dev')).toEqual(['secrets,dev-dependencies'])
  })

  it('leaves files to bash', () => {
    expect(complete('image-budget', 'check', '--file', '')).toEqual([])
    expect(complete('image-budget', 'report', '')).toEqual([])
    expect(run('bash', '--norc', '-c', `source '${join(folder, 'bash')}'; complete -p image-budget`).lines).toEqual([
      'complete -o default -F _image_budget image-budget',
    ])
  })
})

// `npm test` installs both where it can (scripts/setup.sh); elsewhere their scripts are not tried.
const isZsh = spawnSync('zsh', ['--version']).status === 0
;(isZsh ? describe : describe.skip)('zsh (skipped where it is not installed)', () => {
  it('takes the script, also by a name of the file that it loads by', () => {
    expect(run('zsh', '-f', '-n', join(folder, 'zsh'))).toMatchObject({ status: 0, stderr: '' })
    const script = `autoload -Uz compinit; compinit -u -D; source '${join(folder, 'zsh')}'; print $_comps[image-budget]`
    expect(run('zsh', '-f', '-c', script)).toMatchObject({ status: 0, lines: ['_image_budget'], stderr: '' })
  })

  it.each([
    ['image-budget exp', 'image-budget explore '],
    ['image-budget check --max-l', 'image-budget check --max-layers='],
    ['image-budget check --baseline rec', 'image-budget check --baseline record '],
    ['image-budget check --forbid secrets,dev', 'image-budget check --forbid secrets,dev-dependencies,'],
    ['image-budget completion fi', 'image-budget completion fish '],
  ])('makes of `%s` and Tab `%s`', (typed, line) => {
    // A shell in a terminal of zsh's own; ^X writes its line as it is then.
    writeFileSync(
      join(folder, 'completed.zsh'),
      `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PS2= RPS1=; unsetopt prompt_cr prompt_sp zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source '${join(folder, 'zsh')}'"
zpty -w shell 'show-line() { print -r -- "<$BUFFER>" > line; exit }; zle -N show-line; bindkey "^X" show-line; bindkey "^I" complete-word; print re""ady'
zpty -r shell said '*ready*'
zpty -w -n shell "$1"$'\t\x18'
zpty -r shell said '*no such text*'
print -rn -- "$(<line)"
`,
    )
    expect(run('zsh', '-f', join(folder, 'completed.zsh'), typed).lines).toEqual([`<${line}>`])
  })
})

const isFish = spawnSync('fish', ['--version']).status === 0
;(isFish ? describe : describe.skip)('fish (skipped where it is not installed)', () => {
  const complete = (line: string): string[] => {
    const { status, lines, stderr } = run(
      'fish',
      '--no-config',
      '-c',
      `source '${join(folder, 'fish')}'; complete -C'${line}'`,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return lines.map((each) => each.split('\t')[0]!)
  }

  it('completes commands, options and values', () => {
    expect(complete('image-budget ')).toEqual([...COMMANDS].toSorted())
    expect(complete('image-budget check --max-l')).toEqual(['--max-layers'])
    expect(complete('image-budget check --baseline ')).toEqual(['auto', 'build', 'none', 'record'])
    expect(complete('image-budget check --forbid secrets,dev')).toEqual(['secrets,dev-dependencies'])
    expect(complete('image-budget completion ')).toEqual([...SHELLS].toSorted())
  })
})

describe.each(SHELLS)('the script of %s', (shell) => {
  it('offers nothing that a workflow alone has', () => {
    expect(completionScript(shell)).not.toMatch(/accept-label|github-token|pull-request-target/)
  })
})
