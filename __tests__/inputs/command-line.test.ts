import { describe, expect, it } from '@jest/globals'
import { ofOptions, readCommand, wishOf } from '../../src/inputs/command-line.ts'

const historyOf = (...args: string[]) => readCommand(['history', ...args])

/** What is wrong with the arguments. */
function problems(...args: string[]): string[] {
  try {
    readCommand(args)
  } catch (error) {
    return (error as Error).message.split('\n')
  }
  return []
}

describe('init', () => {
  it('takes few options', () => {
    const none = { kind: 'init', force: false, dryRun: false, json: false, verbose: false, builder: null }
    expect(readCommand(['init'])).toEqual(none)
    expect(readCommand(['init', '--dry-run', '--force', '--builder', 'mine', '--verbose'])).toEqual({
      kind: 'init',
      force: true,
      dryRun: true,
      json: false,
      verbose: true,
      builder: 'mine',
    })
    expect(readCommand(['init', '--json'])).toMatchObject({ kind: 'init', json: true })
    expect(problems('init', 'app', '--force=yes', '--max-size', '1 MB', '--dry-rnu', '--builder')).toEqual([
      '`--force` takes no value.',
      '`--max-size` has no place in `init`; `check`, `diff`, `explore` have it.',
      '`--dry-rnu` is not an option; did you mean `--dry-run`?',
      '`--builder` takes a value: `--builder NAME`.',
      '`app` is one argument too many; `init` takes options alone.',
    ])
    expect(problems('check', '--dry-run')).toEqual(['`--dry-run` has no place in `check`; `init` has it.'])
  })
})

describe('history', () => {
  it('asks for all that there is, unless told', () => {
    expect(historyOf()).toEqual({
      kind: 'history',
      values: {},
      platform: null,
      last: null,
      form: 'table',
      offline: false,
    })
  })

  it('takes an image, a platform, a number of records, a form and a branch', () => {
    const args = ['--name', 'shop/api', '--platform=linux/arm64/v8', '--last', '5', '--csv', '--data-branch', 'sizes']
    expect(historyOf(...args, '--offline', '--config', 'a.yml')).toEqual({
      kind: 'history',
      values: { name: 'shop/api', 'data-branch': 'sizes', config: 'a.yml' },
      platform: 'linux/arm64/v8',
      last: 5,
      form: 'csv',
      offline: true,
    })
    expect(historyOf('--json')).toMatchObject({ form: 'json' })
    expect(readCommand(['--json', 'history'])).toMatchObject({ kind: 'history', form: 'json' })
  })

  it.each(['0', '-1', '1.5', 'all', '1e3', '٣', ' 3', '9999999999'])('takes no number of records like %j', (last) => {
    expect(problems('history', `--last=${last}`)).toEqual([
      `\`--last\` has \`${last}\`; it takes a number of records, 1 or more: \`30\`.`,
    ])
  })

  it.each(['linux', 'linux/', '/amd64', 'linux/amd64,linux/arm64', 'linux/arm64/v8/x', '-x', 'linux amd64'])(
    'takes no platform like %j',
    (platform) => {
      expect(problems('history', `--platform=${platform}`)).toEqual([
        `\`--platform\` has \`${platform}\`; it takes one platform: \`linux/amd64\`.`,
      ])
    },
  )

  it('tells all that is wrong at once', () => {
    const args = ['api', '--lsat', '3', '--max-size', '1 MB', '--csv=x', '--unlike-any', '--constructor', '--name']
    expect(problems('history', ...args)).toEqual([
      '`--lsat` is not an option; did you mean `--last`?',
      '`--max-size` has no place in `history`; `check`, `diff`, `explore` have it.',
      '`--csv` takes no value.',
      '`--unlike-any` is not an option.',
      '`--constructor` is not an option.',
      '`--name` takes a value: `--name NAME`.',
      // The `3` may be what `--lsat` was given.
      '`api` is one argument too many; `history` takes options alone.',
    ])
    expect(problems('history', '--csv', '--json')).toEqual([
      '`--csv` and `--json` are forms of the same; leave one of the two out.',
    ])
    expect(problems('history', '--name=', '--last=')).toEqual([
      '`--name` takes a value: `--name NAME`.',
      '`--last` takes a value: `--last N`.',
    ])
  })

  it('has its options to itself', () => {
    expect(problems('check', '--last', '3', '--csv', '--platform', 'linux/amd64')).toEqual([
      '`--last` has no place in `check`; `history` has it.',
      '`--csv` has no place in `check`; `history` has it.',
      '`--platform` is not an option; did you mean `--platforms`?',
    ])
    expect(readCommand(['check', '--max-size', '1 MB'])).toMatchObject({ values: { 'max-size': '1 MB' } })
  })
})

describe('a command', () => {
  const named = 'The commands are `check`, `diff`, `explore`, `report`, `history`, `init`, `completion`, `help`.'

  it('is told from one that is misspelt', () => {
    expect(problems('histroy')).toEqual([`\`histroy\` is not a command. Did you mean \`history\`? ${named}`])
    expect(problems('measure')).toEqual([`\`measure\` is not a command. ${named}`])
    expect(problems('--json')).toEqual([`There is no command before \`--json\`. ${named}`])
    expect(problems('help', 'chekc')).toEqual([`\`chekc\` is not a command. Did you mean \`check\`? ${named}`])
    expect(problems('chekc', '--help')).toHaveLength(1)
  })

  it('has help of its own, however it is asked for', () => {
    const of = (command: string | null) => ({ kind: 'help', command })
    expect(readCommand([])).toEqual(of(null))
    expect(readCommand(['--help'])).toEqual(of(null))
    expect(readCommand(['help'])).toEqual(of(null))
    expect(readCommand(['history', '--help'])).toEqual(of('history'))
    expect(readCommand(['help', 'history'])).toEqual(of('history'))
    // Who asks for help is not told what else is wrong.
    expect(readCommand(['-h', 'check', '--max-sise', '1 MB'])).toEqual(of('check'))
    expect(readCommand(['--version'])).toEqual({ kind: 'version' })
  })

  it('says of an option that is none what it was meant as, or whose it is', () => {
    expect(problems('check', '--max-sise', '1 MB', '.', '--comment', 'off', '--max_layers=3')).toEqual([
      '`--max-sise` is not an option; did you mean `--max-size`?',
      '`--comment` is not an option: on a terminal there is no workflow, no pull request to comment on, and nothing to record.',
      '`--max_layers` is not an option; did you mean `--max-layers`?',
    ])
    expect(problems('diff', '--file', 'Dockerfile', 'oci:a', 'oci:b')).toEqual([
      '`--file` has no place in `diff`; `check`, `explore` have it.',
    ])
  })

  it('takes no option for a value', () => {
    expect(problems('check', '--builder', '--json')).toEqual(['`--builder` takes a value: `--builder NAME`.'])
    expect(readCommand(['check', '--before-build=--version'])).toMatchObject({
      values: { 'before-build': '--version' },
    })
    expect(readCommand(['check', '--max-increase', '-1'])).toMatchObject({ values: { 'max-increase': '-1' } })
  })

  it('prints one form of its report', () => {
    for (const form of ['json', 'markdown', 'html']) {
      expect(readCommand(['check', `--${form}`])).toMatchObject({ form })
      expect(readCommand(['diff', `--${form}`, 'oci:a', 'oci:b'])).toMatchObject({ form })
      expect(readCommand(['report', `--${form}`, 'a.json'])).toMatchObject({ form })
    }
    expect(readCommand(['check'])).toMatchObject({ form: 'text' })
    expect(problems('check', '--html', '--json')).toEqual([
      '`--json` and `--html` are forms of the same; leave one of the two out.',
    ])
    expect(problems('report', 'a.json', '--html', '--markdown', '--json')).toEqual([
      '`--json`, `--markdown` and `--html` are forms of the same; leave all but one out.',
    ])
  })

  it('completes for shells that it knows', () => {
    expect(readCommand(['completion', 'zsh'])).toEqual({ kind: 'completion', shell: 'zsh' })
    expect(problems('completion')).toEqual(['`completion` takes a shell: `bash`, `zsh` or `fish`.'])
    expect(problems('completion', 'bsah')).toEqual([
      '`completion` has `bsah`; it takes a shell: `bash`, `zsh` or `fish`. Did you mean `bash`?',
    ])
  })
})

describe('explore', () => {
  const values = (...args: string[]) => {
    const command = readCommand(['explore', ...args])
    return command.kind === 'check' && command.explores ? command.values : null
  }

  it('takes what check and diff take, or one image, and writes a page', () => {
    const page = 'image-budget.html'
    expect(values()).toEqual({ page })
    expect(values('services/api', '--target=run')).toEqual({ page, context: 'services/api', target: 'run' })
    expect(values('oci:image')).toEqual({ page, image: 'oci:image' })
    expect(values('oci:old', 'oci:new')).toEqual({ page, baseline: 'oci:old', image: 'oci:new' })
    expect(values('--output', 'out/map.html')).toEqual({ page: 'out/map.html' })
    expect(readCommand(['explore', 'oci:old', 'oci:new'])).toMatchObject({ mustExist: true })
    expect(readCommand(['check', '--page', 'map.html'])).toMatchObject({
      explores: false,
      values: { page: 'map.html' },
    })
  })

  it('says what it does not take', () => {
    expect(problems('explore', '--json')).toEqual([
      '`--json` has no place in `explore`; `check`, `diff`, `report`, `history`, `init` have it.',
    ])
    expect(problems('explore', 'oci:a', 'b')).toEqual([expect.stringMatching(/^`explore` has `b`; it takes an image/)])
    expect(problems('explore', 'oci:a', '--image', 'oci:b')).toEqual([
      'The image is given twice: `oci:a` and `--image`.',
    ])
    expect(problems('check', '--output', 'map.html')).toEqual([
      '`--output` has no place in `check`; `explore` has it, the others have `--page`.',
    ])
  })
})

describe('report', () => {
  it('takes files and folders, and what the action takes that reads reports', () => {
    expect(
      readCommand(['report', 'out', 'api.json', '--images=api,worker', '--images', 'web', '--fail', 'false']),
    ).toEqual({
      kind: 'report',
      values: { images: 'api,worker\nweb', fail: 'false' },
      paths: ['out', 'api.json'],
      form: 'text',
    })
    expect(readCommand(['report', 'out', '--json', '--config', 'off'])).toMatchObject({
      values: { config: 'off' },
      form: 'json',
    })
  })

  it('tells all that is wrong at once', () => {
    expect(problems('report', '--max-size', '1 MB', '--jsno', '--json=x', '--mode', 'report', '--fail')).toEqual([
      '`--max-size` has no place in `report`; `check`, `diff`, `explore` have it.',
      '`--jsno` is not an option; did you mean `--json`?',
      '`--json` takes no value.',
      '`--mode` is not an option: on a terminal there is no workflow, no pull request to comment on, and nothing to record.',
      '`--fail` takes a value: `--fail BOOLEAN`.',
    ])
    expect(problems('report')).toEqual([
      '`report` takes the JSON reports to show, or folders of them: `image-budget report api.json worker.json`.',
    ])
  })
})

describe('ofOptions', () => {
  const failure = { kind: 'input' as const, remedy: null, file: null, line: null, instruction: null }

  it('says options where inputs are not valid, and where they are told of', () => {
    const message = '2 inputs are not valid:\n- `max-size` has `1`; it takes `1 MB`.\n- `fail` is alone.'
    expect(ofOptions({ ...failure, message }, 'diff')).toMatchObject({
      message: '2 options are not valid:\n- `--max-size` has `1`; it takes `1 MB`.\n- `fail` is alone.',
      remedy: '`image-budget diff --help` lists its options.',
    })
  })

  it('names inputs as the options that a command has, in what to do', () => {
    const message = 'There is no Dockerfile at `Dockerfile` in this commit.'
    const remedy =
      '`file` names the Dockerfile; default: `Dockerfile` in `context`. See `docker buildx ls`, `base-ref: main`, `record: true`.'
    expect(ofOptions({ ...failure, message, remedy }, 'check')).toMatchObject({
      message,
      remedy:
        '`--file` names the Dockerfile; default: `Dockerfile` in `--context`. See `docker buildx ls`, `--base main`, `record: true`.',
    })
  })

  it('leaves what a budget file has as it is', () => {
    const said = {
      ...failure,
      message: 'A setting is not valid:\n- a.yml, line 1: `max-size` has `1`; it takes `1 MB`.',
    }
    expect(ofOptions(said, 'check')).toEqual(said)
  })
})

describe('wishOf', () => {
  it('is the command that is run, whatever other words say', () => {
    expect(wishOf(['report', 'history', '--json'])).toEqual({ command: 'report', form: 'json' })
    expect(wishOf(['explore', 'check', '--max-size', 'large'])).toEqual({ command: 'explore', form: 'text' })
    expect(wishOf(['--json', 'check', '--builder', 'init'])).toEqual({ command: 'check', form: 'json' })
  })

  it('has the form also where the rest is not understood', () => {
    expect(wishOf(['check', '--max-sise', '1', '--markdown'])).toEqual({ command: 'check', form: 'markdown' })
    expect(wishOf(['chekc', '--json'])).toEqual({ command: null, form: 'json' })
    expect(wishOf(['diff', '--builder', '--html'])).toEqual({ command: 'diff', form: 'html' })
  })

  it('is text where several forms are wanted, or the command prints no report', () => {
    expect(wishOf(['check', '--json', '--html'])).toEqual({ command: 'check', form: 'text' })
    expect(wishOf(['history', '--json'])).toEqual({ command: 'history', form: 'text' })
    expect(wishOf(['init', '--json', '--dry-rum'])).toEqual({ command: 'init', form: 'text' })
    expect(wishOf(['check', '--builder=--json'])).toEqual({ command: 'check', form: 'text' })
  })
})
