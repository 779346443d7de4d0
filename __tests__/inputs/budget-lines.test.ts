import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CouldNotMeasure } from '../../src/failure.ts'
import { parseBudgetLines, type BudgetLine } from '../../src/inputs/budget-lines.ts'
import { parseInputs } from '../../src/inputs/inputs.ts'

const none = { maxSize: null, maxDownloadSize: null, maxLayers: null, maxIncrease: null }
const parsed = (text: string): BudgetLine[] => {
  const { lines, problems } = parseBudgetLines(text)
  expect(problems).toEqual([])
  return lines
}

/** What the user is told of the inputs, a line each. */
function told(values: Record<string, string>): string[] {
  try {
    parseInputs(values)
  } catch (error) {
    if (error instanceof CouldNotMeasure) return error.failure.message.split('\n').slice(1)
    throw error
  }
  return []
}

describe('a line of budgets', () => {
  it.each([
    ['scope=own,max-increase=2 MB', { kind: 'own', of: null }, { maxIncrease: { limit: 2_000_000, unit: 'bytes' } }],
    ['scope=base , max-increase = +3%', { kind: 'base', of: null }, { maxIncrease: { limit: 3, unit: 'percent' } }],
    ['path=/app/node_modules,max-size=80 MB', { kind: 'path', of: '/app/node_modules' }, { maxSize: 80_000_000 }],
    ['path=/app/**/*.map,max-size=0 B', { kind: 'path', of: '/app/**/*.map' }, { maxSize: 0 }],
    ['"path=/a,""b""",max-size=1 kB', { kind: 'path', of: '/a,"b"' }, { maxSize: 1000 }],
    ['path=/opt/k=v,max-size=1 kB', { kind: 'path', of: '/opt/k=v' }, { maxSize: 1000 }],
    ['stage=runtime,max-layers=4', { kind: 'stage', of: 'runtime' }, { maxLayers: 4 }],
    ['package=typescript,max-size=0 B', { kind: 'package', of: 'typescript' }, { maxSize: 0 }],
    ['package=dpkg:libssl3,max-size=8 MB', { kind: 'package', of: 'dpkg:libssl3' }, { maxSize: 8_000_000 }],
    ['package=junit:junit,max-size=0 B', { kind: 'package', of: 'junit:junit' }, { maxSize: 0 }],
    ['package=@types/node,max-size=0 B', { kind: 'package', of: '@types/node' }, { maxSize: 0 }],
    ['max-download-size=55 MB', null, { maxDownloadSize: 55_000_000 }],
  ] as const)('%s', (text, scope, limits) => {
    expect(parsed(text)).toEqual([{ line: 1, scope, level: 'fail', over: null, limits: { ...none, ...limits } }])
  })

  it('may set several limits, a soft one, and stand among blank lines and comments', () => {
    const lines = parsed('# ours\n\nscope=own,max-size=1 MB,max-layers=3\r\n  max-size=150 MB,level=warn\n')
    expect(lines).toMatchObject([
      { line: 3, level: 'fail', limits: { maxSize: 1_000_000, maxLayers: 3 } },
      { line: 4, level: 'warn', scope: null, limits: { maxSize: 150_000_000 } },
    ])
  })
})

describe('growth over time', () => {
  it.each([
    ['max-increase=20 MB,over=30d', { kind: 'days', days: 30 }, { limit: 20_000_000, unit: 'bytes' }, 'fail'],
    ['over = 2w , max-increase=10%', { kind: 'days', days: 14 }, { limit: 10, unit: 'percent' }, 'fail'],
    ['max-increase=10%,over=release,level=warn', { kind: 'release' }, { limit: 10, unit: 'percent' }, 'warn'],
    ['max-increase=0 B,over=1d', { kind: 'days', days: 1 }, { limit: 0, unit: 'bytes' }, 'fail'],
    ['max-increase=1 GB,over=3650d', { kind: 'days', days: 3650 }, { limit: 1_000_000_000, unit: 'bytes' }, 'fail'],
    ['max-increase=1 GB,over=521w', { kind: 'days', days: 3647 }, { limit: 1_000_000_000, unit: 'bytes' }, 'fail'],
  ] as const)('%s', (text, over, maxIncrease, level) => {
    expect(parsed(text)).toEqual([{ line: 1, scope: null, level, over, limits: { ...none, maxIncrease } }])
  })

  it('is read as it is written, for every number of days and weeks up to ten years', () => {
    fc.assert(
      fc.property(fc.nat({ max: 9999 }), fc.constantFrom('d', 'w'), (count, unit) => {
        const days = unit === 'w' ? 7 * count : count
        const { lines, problems } = parseBudgetLines(`max-increase=1 MB,over=${count}${unit}`)
        expect(lines.map(({ over }) => over)).toEqual(days >= 1 && days <= 3650 ? [{ kind: 'days', days }] : [])
        expect(problems).toHaveLength(1 - lines.length)
      }),
    )
  })

  it('may be limited for several times, in bytes and in percent, hard and soft, beside that of the change', () => {
    const text = [
      'max-increase=5 MB',
      'max-increase=20 MB,over=30d',
      'max-increase=10%,over=30d',
      'max-increase=15 MB,over=30d,level=warn',
      'max-increase=50 MB,over=90d',
      'max-increase=20 MB,over=release',
    ].join('\n')
    expect(parsed(text)).toHaveLength(6)
    expect(told({ budgets: text.replace(/^.*\n/, ''), 'max-increase': '5 MB' })).toEqual([])
  })

  it.each([
    { baseline: 'none' },
    { record: 'off' },
    { metrics: 'download-size' },
    { metrics: 'size' },
    { image: 'docker-daemon:api:1' },
    { image: 'docker-daemon:api:1', baseline: 'docker-daemon:api:0' },
  ])('needs neither a base nor a certain metric: %j', (values) => {
    expect(told({ ...values, budgets: 'max-increase=20 MB,over=30d' })).toEqual([])
  })

  const alone = '`max-increase` and `level` alone beside `over`, for the whole image: `max-increase=20 MB,over=30d`.'
  const forms = 'days or weeks, at most 3650 days, or the last release: `30d`, `4w`, `release`.'
  it.each([
    ['over=30d', `\`over=30d\` in line 1; it takes ${alone}`],
    ['max-size=20 MB,over=30d', `it takes ${alone}`],
    ['max-size=20 MB,max-increase=1 MB,over=30d', `it takes ${alone}`],
    ['scope=own,max-increase=1 MB,over=30d', `it takes ${alone}`],
    ['path=/app,max-increase=1 MB,over=release', `it takes ${alone}`],
    ['stage=a,max-increase=1 MB,over=release', `it takes ${alone}`],
    ['package=a,max-increase=1 MB,over=release', `it takes ${alone}`],
    ['max-increase=1 MB,over=30', `\`over=30\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=0d', `\`over=0d\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=3651d', `\`over=3651d\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=522w', `\`over=522w\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=-1d', `\`over=-1d\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=1.5w', `\`over=1.5w\` in line 1; it takes ${forms}`],
    ['max-increase=1 MB,over=30 days', `it takes ${forms} Did you mean \`30d\`?`],
    ['max-increase=1 MB,over=4W', `it takes ${forms} Did you mean \`4w\`?`],
    ['max-increase=1 MB,over=relase', `it takes ${forms} Did you mean \`release\`?`],
    ['max-increase=1 MB,over=30d,over=4w', '`over=4w` in line 1; it takes `over` once a line.'],
    ['max-increase=1 MB,ovr=30d', '`ovr=30d` in line 1; it takes'],
    [
      'max-increase=1 MB,over=28d\nmax-increase=2 MB,over=4w',
      '`max-increase=2 MB,over=4w` in line 2; it takes `max-increase` once for a time and level, and line 1 has it.',
    ],
  ])('%j is told', (budgets, said) => {
    const lines = told({ budgets })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(said)
  })
})

describe('a bad line', () => {
  it('has a hint where the scope is misspelt', () => {
    expect(told({ budgets: 'scope=onw,max-size=1 MB' })[0]).toMatch(/ Did you mean `own`\?$/)
  })

  it.each([
    [
      'max-sise=1 MB',
      '`max-sise=1 MB` in line 1; it takes `scope`, `path`, `stage`, `package`, `max-size`, `max-download-size`, `max-layers`, `max-increase`, `over`, `level`. Did you mean `max-size`?',
    ],
    [
      'scope=own,path=/a,max-size=1 MB',
      '`scope=own,path=/a,max-size=1 MB` in line 1; it takes at most one of `scope`, `path`, `stage`, `package` a line.',
    ],
    [
      'scope=own',
      '`scope=own` in line 1; it takes at least one of `max-size`, `max-download-size`, `max-layers`, `max-increase` a line.',
    ],
    ['path=/a', '`path=/a` in line 1; it takes at least one of `max-size`, `max-increase` a line.'],
    [
      'path=/a,max-layers=1',
      '`path=/a,max-layers=1` in line 1; it takes `max-size`, `max-increase` beside `path`: only layers have a download size and a number.',
    ],
    [
      'scope=mine,max-size=1 MB',
      '`scope=mine` in line 1; it takes `own` (the layers of the Dockerfile itself) or `base` (those of the base image).',
    ],
    [
      'path=app,max-size=1 MB',
      '`path=app` in line 1; it takes an absolute path, which may have `*`, `?` and `**`: `/app/node_modules`, `/app/**/*.map`.',
    ],
    [
      'path=/app/../etc,max-size=1 MB',
      '`path=/app/../etc` in line 1; it takes an absolute path, which may have `*`, `?` and `**`: `/app/node_modules`, `/app/**/*.map`.',
    ],
    ['stage=two words,max-size=1 MB', "`stage=two words` in line 1; it takes a stage's name or number."],
    [
      'package=deb:libssl3,max-size=1 MB',
      "`package=deb:libssl3` in line 1; it takes a package's name, or behind one of `dpkg`, `apk`, `rpm`, `npm`, `python`, `go`, `java` and a colon: `typescript`, `dpkg:libssl3`. Did you mean `dpkg:libssl3`?",
    ],
    ['package=pyton:requests,max-size=1 MB', 'Did you mean `python:requests`?'],
    ['max-size=1 MB,max-size=2 MB', '`max-size=2 MB` in line 1; it takes `max-size` once a line.'],
    ['max-size=1 MB,level=soft', '`level=soft` in line 1; it takes `fail` or `warn`.'],
    ['max-size=', '`max-size=` in line 1; it takes a value for `max-size`.'],
    [
      'max-size=1 MB,',
      '`max-size=1 MB,` in line 1; it takes one budget a line, its options separated by commas: `scope=own,max-increase=2 MB`.',
    ],
    ['"path=/a,max-size=1 MB', '`"path=/a,max-size=1 MB` in line 1; it takes one budget a line'],
    [
      'max-size=1 MB\nmax-size=2 MB',
      '`max-size=2 MB` in line 2; it takes `max-size` once for a scope and level, and line 1 has it.',
    ],
  ])('%j is told', (budgets, said) => {
    const lines = told({ budgets })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(said)
  })

  it('does not hide the others: all are told, each with its line', () => {
    const lines = told({
      budgets: 'scope=own,max-size=1\n\nlevel=x,max-size=2\nstage=a b,max-size=1 kB',
      forbid: 'secrtes',
    })
    expect(lines.map((line) => /^- `(\w+)` has `([^`]*)`(?: in line (\d))?/.exec(line)?.slice(1))).toEqual([
      ['budgets', 'max-size=1', '1'],
      ['budgets', 'max-size=2', '3'],
      ['budgets', 'level=x', '3'],
      ['budgets', 'stage=a b', '4'],
      ['forbid', 'secrtes', undefined],
    ])
    expect(lines.at(-1)).toContain('Did you mean `secrets`?')
  })

  it('is one error whatever the text', () => {
    const text = fc.string({
      unit: fc.constantFrom(
        ...'scope=own,path/*"max-size 1MB\n#'.split(''),
        '""',
        'level=warn',
        'over=4w',
        'max-increase=1%',
      ),
    })
    fc.assert(
      fc.property(text, (budgets) => {
        const { lines, problems } = parseBudgetLines(budgets)
        expect(problems.every(({ line, form }) => line >= 1 && form !== '')).toBe(true)
        expect(lines.length + problems.length > 0 || /^(\s*(#.*)?\n?)*$/.test(budgets)).toBe(true)
      }),
    )
  })
})

describe('budgets and the other inputs', () => {
  it.each([
    [
      { budgets: 'scope=own,max-size=1 MB', metrics: 'download-size' },
      'it limits the size, but `metrics` is `download-size` alone; add `size`.',
    ],
    [
      { budgets: 'path=/a,max-increase=1 MB', metrics: 'download-size' },
      'it limits the size, but `metrics` is `download-size` alone; add `size`.',
    ],
    [
      { budgets: 'stage=a,max-download-size=1 MB', metrics: 'size' },
      '`max-download-size` limits the download size, but `metrics` is `size` alone; add `download-size`.',
    ],
    [
      { budgets: 'scope=own,max-increase=1 MB', baseline: 'none' },
      '`max-increase` limits growth, but there is no `baseline` to grow from; leave it out, or give one.',
    ],
    [
      { budgets: 'scope=own,max-size=1 MB', image: 'docker-daemon:api:1' },
      'nothing tells which layers of an `image` that is there already are of its `scope`.',
    ],
    [
      { budgets: 'stage=a,max-increase=1 MB', baseline: 'docker-daemon:api:1' },
      'nothing tells which layers of the `baseline` are of that `stage`; `path` can be compared.',
    ],
    [
      { budgets: 'max-size=1 MB', 'max-size': '2 MB' },
      '`max-size` is an input of its own, too; leave one of the two out.',
    ],
  ])('%j contradict each other', (values, said) => {
    expect(told(values)).toEqual([`- \`budgets\`, line 1: ${said}`])
  })

  it.each([
    { budgets: 'max-size=1 MB,level=warn', 'max-size': '2 MB' },
    { budgets: 'scope=own,max-size=1 MB', 'max-size': '2 MB' },
    { budgets: 'path=/a,max-increase=1 MB', image: 'docker-daemon:api:1', baseline: 'docker-daemon:api:0' },
    { budgets: 'scope=own,max-size=1 MB', baseline: 'docker-daemon:api:0' },
  ])('%j go together', (values) => {
    expect(told(values)).toEqual([])
  })

  it('forbidding what lies in files needs them read', () => {
    expect(told({ forbid: 'secrets', metrics: 'download-size' })).toEqual([
      '- `forbid` looks at the files of the image, but `metrics` is `download-size` alone; add `size`.',
    ])
  })

  it.each([
    [undefined, 'image-budget: accept'],
    ['bigger', 'bigger'],
    ['', 'image-budget: accept'],
    ['Off', null],
  ])('the label %j is %j', (label, expected) => {
    expect(parseInputs(label === undefined ? {} : { 'accept-label': label }).acceptLabel).toBe(expected)
  })
})
