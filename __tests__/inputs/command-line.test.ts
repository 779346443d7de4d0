import { describe, expect, it } from '@jest/globals'
import { helpText, readCommand } from '../../src/inputs/command-line.ts'

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
    const none = { kind: 'init', force: false, dryRun: false, verbose: false, builder: null }
    expect(readCommand(['init'])).toEqual(none)
    expect(readCommand(['init', '--dry-run', '--force', '--builder', 'mine', '--verbose'])).toEqual({
      kind: 'init',
      force: true,
      dryRun: true,
      verbose: true,
      builder: 'mine',
    })
    expect(problems('init', 'app', '--force=yes', '--max-size', '1 MB', '--dry-rnu', '--builder')).toEqual([
      '`app` is one argument too many; `init` takes options alone.',
      '`--force` takes no value.',
      '`--max-size` has no place in `init`, which takes `--dry-run`, `--force`, `--builder`, `--verbose`.',
      '`--dry-rnu` is not an option; did you mean `--dry-run`?',
      '`--builder` takes a value.',
    ])
    expect(problems('check', '--dry-run')).toEqual(['`--dry-run` is not an option of this command; `init` has it.'])
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
    const takes = '`--name`, `--platform`, `--last`, `--csv`, `--json`, `--config`, `--data-branch`, `--offline`'
    const args = ['api', '--lsat', '3', '--max-size', '1 MB', '--csv=x', '--unlike-any', '--constructor', '--name']
    expect(problems('history', ...args)).toEqual([
      '`api` is one argument too many; `history` takes options alone.',
      '`3` is one argument too many; `history` takes options alone.',
      '`--lsat` is not an option; did you mean `--last`?',
      `\`--max-size\` has no place in \`history\`, which takes ${takes}.`,
      '`--csv` takes no value.',
      '`--unlike-any` is not an option.',
      '`--constructor` is not an option.',
      '`--name` takes a value.',
    ])
    expect(problems('history', '--csv', '--json')).toEqual([
      '`--csv` and `--json` are two forms of the same; leave one of the two out.',
    ])
    expect(problems('history', '--name=', '--last=')).toEqual(['`--name` takes a value.', '`--last` takes a value.'])
  })

  it('has its options to itself', () => {
    expect(problems('check', '--last', '3', '--csv', '--platform', 'linux/amd64')).toEqual([
      '`--last` is not an option of this command; `history` has it.',
      '`--csv` is not an option of this command; `history` has it.',
      '`--platform` is not an option; did you mean `--platforms`?',
    ])
    expect(readCommand(['check', '--max-size', '1 MB'])).toMatchObject({ values: { 'max-size': '1 MB' } })
  })

  it('is in the help, which stays within a terminal', () => {
    expect(helpText(100)).toMatch(/image-budget history \[--name NAME\][^]*image-budget history --csv > [^]*--offline/)
    expect(
      helpText(100)
        .split('\n')
        .filter((line) => line.length > 100),
    ).toEqual([])
    expect(historyOf('--help')).toEqual({ kind: 'help' })
    expect(problems('histroy')).toEqual([
      '`histroy` is not a command; `image-budget check`, `image-budget diff`, `image-budget explore`, `image-budget report`, `image-budget history` and `image-budget init` are.',
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
      '`--json` has no place in `explore`, which prints where the page is; `check` and `diff` have it.',
    ])
    expect(problems('explore', 'oci:a', 'b')).toEqual([expect.stringMatching(/^`explore` has `b`; it takes an image/)])
    expect(problems('explore', 'oci:a', '--image', 'oci:b')).toEqual([
      'The image is given twice: `oci:a` and `--image`.',
    ])
    expect(problems('check', '--output', 'map.html')).toEqual([
      '`--output` is not an option of this command; `explore` has it, the others have `--page`.',
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
      json: false,
    })
    expect(readCommand(['report', 'out', '--json', '--config', 'off'])).toMatchObject({
      values: { config: 'off' },
      json: true,
    })
  })

  it('tells all that is wrong at once', () => {
    expect(problems('report', '--max-size', '1 MB', '--jsno', '--json=x', '--mode', 'report', '--fail')).toEqual([
      '`--max-size` has no place in `report`, which takes `--images`, `--config`, `--fail`, `--json`.',
      '`--jsno` is not an option; did you mean `--json`?',
      '`--json` takes no value.',
      '`--mode` is not an option.',
      '`--fail` takes a value.',
    ])
    expect(problems('report')).toEqual([
      '`report` takes the JSON reports to show, or folders of them: `image-budget report api.json worker.json`.',
    ])
  })
})
