import { describe, expect, it } from '@jest/globals'
import { Terminal } from '@xterm/headless'
import * as fc from 'fast-check'
import { displayWidth } from '../src/report/characters.ts'
import { createTerminalLog, type TerminalLog } from '../src/terminal-log.ts'
import { hostileString } from './support/hostile.ts'

/** A log on a terminal of that size, with a clock of its own. */
function open({ columns = 80, rows = 24, verbose = false } = {}) {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true, scrollback: 1_000 })
  let written = ''
  let now = 0
  let ticks: (() => void)[] = []
  const cancel = new AbortController()
  const size = { columns, rows }
  const log = createTerminalLog(
    {
      write: (text) => {
        written += text
        terminal.write(text)
      },
      size: () => size,
      isLive: true,
      colour: false,
      now: () => now,
      every: (_, call) => {
        ticks.push(call)
        return () => void (ticks = ticks.filter((each) => each !== call))
      },
    },
    { verbose, signal: cancel.signal },
  )
  return {
    log,
    terminal,
    cancel: () => cancel.abort(),
    pass: (milliseconds: number) => {
      now += milliseconds
      for (const tick of ticks) tick()
    },
    isTicking: () => ticks.length > 0,
    resize: async (width: number) => {
      await new Promise<void>((done) => terminal.write('', done))
      size.columns = width
      terminal.resize(width, rows)
    },
    written: () => written,
    /** What stands on the screen and above it, without blank lines at the end. */
    seen: async (): Promise<string[]> => {
      await new Promise<void>((done) => terminal.write('', done))
      const buffer = terminal.buffer.active
      const lines = Array.from({ length: buffer.length }, (_, at) => buffer.getLine(at)!.translateToString(true))
      return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1)
    },
  }
}

/** What is written without the log's own escape sequences, up and erase, and its line breaks. */
function others(written: string): string {
  // oxlint-disable-next-line no-control-regex -- what is taken out are control sequences
  return written.replaceAll(/\u001b\[\d+A|\u001b\[J|\r(?=\u001b)|\n/g, '')
}

/** A build of two sides, as buildx tells of it, up to the middle. */
function build(log: TerminalLog): { head: (text: string) => void; base: (text: string) => void; end: () => void } {
  const head = log.section('Build this change (d4e5f6a)')
  const base = log.section('Build base `a1b2c3d`')
  head.line('#0 building with "default" instance using docker driver')
  head.line('#1 [internal] load build definition from Dockerfile')
  head.line('#1 transferring dockerfile: 300B done')
  head.line('#1 DONE 0.0s')
  head.line('#5 [2/4] COPY package.json package-lock.json ./')
  head.line('#5 CACHED')
  base.line('#5 [2/4] COPY package.json package-lock.json ./')
  base.line('#5 DONE 0.4s')
  head.line('#6 [3/4] RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force && rm -rf /tmp/build-files')
  head.line('#6 0.512 added 120 packages')
  return {
    head: head.line,
    base: base.line,
    end: () => {
      head.end()
      base.end()
    },
  }
}

describe('on a terminal', () => {
  it.each([40, 80, 200])('shows the step of each side that is under way, in %i columns', async (columns) => {
    const { log, pass, seen } = open({ columns })
    build(log)
    log.read!(12_345_678)
    pass(65_000)
    const lines = await seen()
    expect(lines.filter((line) => displayWidth(line) >= columns)).toEqual([])
    const [head = '', base = '', note = ''] = lines.slice(-3)
    expect(head).toMatch(/^head │ \[3\/4\] RUN.* 1 min 05 s$/)
    expect(base).toMatch(/^base │ waiting .* 1 min 05 s$/)
    expect(note).toBe('  12.3 MB of layers read')
    // Long instructions are cut in the middle.
    if (columns < 200) expect(head).toMatch(/RUN.*\.\.\..*ild-files/)
    else expect(head).toContain('rm -rf /tmp/build-files')
    // Steps that ended, and no internal ones.
    const kept = lines.slice(0, -3)
    expect(kept).toContainEqual(expect.stringMatching(/^base │ \[2\/4\] COPY .* 0\.4s$/))
    expect(kept.join('\n')).not.toMatch(/internal|transferring|#\d|cached/)
  })

  it.each([40, 80, 200])('leaves the steps that ended, and nothing else, in %i columns', async (columns) => {
    const { log, pass, seen, isTicking } = open({ columns })
    const { head, base, end } = build(log)
    pass(3_000)
    head('#6 DONE 3.1s')
    head('Reading the layers as they are handed over …')
    base('#9 exporting to image')
    pass(1_000)
    expect(await seen()).toContainEqual(expect.stringMatching(/^head │ Reading the.* 1 s$/))
    expect(await seen()).toContainEqual(expect.stringMatching(/^base │ exporting to image .* 1 s$/))
    end()
    expect(isTicking()).toBe(false)
    const lines = await seen()
    expect(lines.map((line) => line.replace(/ .*/, ''))).toEqual(['Build', 'Build', 'base', 'head', 'head'])
    expect(lines.slice(0, 2)).toEqual(['Build this change (d4e5f6a)', 'Build base a1b2c3d'])
    expect(lines[3]).toMatch(/^head │ \[3\/4\] RUN.* 3\.1s$/)
    expect(lines[4]).toBe('head │ 1 step cached')
    expect(lines.filter((line) => displayWidth(line) >= columns)).toEqual([])
  })

  it('says on which of many it is, in few lines', async () => {
    const { log, seen, pass } = open({ rows: 12 })
    const images = Array.from({ length: 20 }, (_, at) => log.section(`image-${at}: Build this change`))
    pass(0)
    const lines = await seen()
    expect(lines.slice(-7).map((line) => line.slice(0, 12))).toEqual([
      'image-0 head',
      'image-1 head',
      'image-2 head',
      'image-3 head',
      'image-4 head',
      'image-5 head',
      '  14 more',
    ])
    for (const image of images) image.end()
    expect((await seen()).filter((line) => line.includes('│'))).toEqual([])
  })

  it('shows whole what a failed step and `before-build` print', async () => {
    const { log, seen } = open({ columns: 40 })
    const { head, base, end } = build(log)
    const long = `npm error ${'x'.repeat(60)} end`
    head('#6 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1')
    for (const text of ['------', ' > [3/4] RUN npm ci:', long, '------', 'ERROR: failed to solve']) head(text)
    // The other side is stopped then.
    base('ERROR: failed to build: failed to solve: Canceled: context canceled')
    end()
    const said = (await seen()).join('')
    expect(said).toContain(long)
    expect(said).toContain('head │ ERROR: failed to solve')
    expect(said).not.toMatch(/did not complete successfully|canceled/)
  })

  it('keeps what is said beside it', async () => {
    const { log, seen, pass } = open()
    const { end } = build(log)
    pass(1_000)
    log.warning('the \u001b[31mrecords\u0007 could not be read')
    log.say('The page is map.html')
    expect((await seen()).at(-2)).toMatch(/^head │ .* 1 s$/)
    end()
    expect((await seen()).slice(-3)).toEqual([
      'Warning: the records\uFFFD could not be read',
      'The page is map.html',
      'head │ 1 step cached',
    ])
  })

  it('is steered by nothing that is said beside it', async () => {
    const { log, seen, written } = open()
    const text = 'in \u001b]0;owned\u0007\u001b[2Jthe \u202Eimage\r\n\tand \u009b31mmore'
    log.info(text)
    log.warning(text)
    log.say(text)
    expect(others(written())).not.toMatch(/[\p{Cc}\p{Bidi_Control}]|owned/u)
    const lines = ['in the \uFFFDimage', '  and more']
    expect(await seen()).toEqual([...lines, `Warning: ${lines[0]}`, lines[1], ...lines])
  })

  it('leaves nothing behind when it is cancelled, and tells nothing of what is stopped', async () => {
    const { log, seen, pass, cancel, terminal } = open()
    const { head } = build(log)
    pass(1_000)
    const before = (await seen()).filter((line) => !line.endsWith(' 1 s'))
    terminal.write('^C')
    cancel()
    log.close()
    head('#6 CANCELED')
    head('ERROR: failed to build: Canceled: context canceled')
    pass(1_000)
    log.say('image-budget: The run was cancelled.')
    expect(await seen()).toEqual([...before, 'image-budget: The run was cancelled.'])
  })

  it.each([
    [80, 50],
    [80, 30],
    [40, 120],
  ])('leaves nothing behind when the terminal goes from %i to %i columns', async (before, after) => {
    const { log, pass, resize, seen } = open({ columns: before })
    const { end } = build(log)
    pass(1_000)
    await resize(after)
    pass(1_000)
    pass(1_000)
    expect((await seen()).filter((line) => / \d s$/.test(line))).toHaveLength(2)
    end()
    expect((await seen()).join('\n')).not.toMatch(/ \d s$|starting/m)
  })

  // Bopomofo, Kanbun, enclosed letters, hexagrams, Yi, small and vertical forms, fullwidth ones; jamo are one column or none.
  it.each(['ㄅㆠ', '㆐㇀', '㈠㉈㋐', '䷀', 'ꀀ꒐', '﹐︵', 'Ａ￥', '가각', 'かカ々', '가', 'ｶｶ'])(
    'never wraps, and draws in place, with %s',
    async (text) => {
      const { log, pass, seen } = open({ columns: 40 })
      const section = log.section('Build this change')
      section.line(`#1 [1/1] RUN ${text.repeat(60)}`)
      pass(2_000)
      pass(2_000)
      const [title, line, ...more] = await seen()
      expect([title, ...more]).toEqual(['Build this change'])
      expect(line).toMatch(/^head │ \[1\/1\] R.*\.\.\..* 4 s$/)
      section.end()
      expect(await seen()).toEqual(['Build this change'])
    },
  )

  it('is steered by nothing that a build prints, and never wraps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostileString, { maxLength: 8 }),
        fc.integer({ min: 30, max: 120 }),
        async (texts, columns) => {
          const { log, pass, seen, written } = open({ columns })
          const section = log.section(`${texts[0] ?? ''}: Build this change`)
          const other = log.section('Build base')
          for (const [at, text] of texts.entries()) section.line(`#${at + 1} [${at}/9] RUN 宽 ${text}`)
          section.line(`said ${texts.join('')}`)
          pass(2_000)
          expect(others(written())).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
          const shown = (await seen()).filter((line) => line.endsWith(' 2 s'))
          expect(shown.length).toBe(2)
          for (const [at] of texts.entries()) section.line(`#${at + 1} DONE 0.1s`)
          section.end()
          other.end()
          expect((await seen()).filter((line) => line.endsWith(' 2 s'))).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('shows the whole log where that is asked for', async () => {
    const { log, seen } = open({ verbose: true })
    const { end } = build(log)
    end()
    expect(await seen()).toContain('head │ #6 0.512 added 120 packages')
  })
})

describe('where nobody looks', () => {
  const print = (verbose: boolean, colour = false): string => {
    let written = ''
    const screen = {
      write: (text: string) => void (written += text),
      size: () => ({ columns: 40, rows: 10 }),
      isLive: false,
      colour,
      now: () => 0,
      every: () => {
        throw new Error('nothing is drawn here')
      },
    }
    const log = createTerminalLog(screen, { verbose, signal: new AbortController().signal })
    const { head, end } = build(log)
    log.read!(1_000_000)
    head('ERROR: failed to solve: \u001b[31mred')
    end()
    log.close()
    return written
  }

  it('prints lines as they come, uncut, without anything that moves', () => {
    expect(print(false).split('\n')).toEqual([
      'Build this change (d4e5f6a)',
      'Build base a1b2c3d',
      'head │ #5 [2/4] COPY package.json package-lock.json ./',
      'base │ #5 [2/4] COPY package.json package-lock.json ./',
      'head │ #6 [3/4] RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force && rm -rf /tmp/build-files',
      'head │ ERROR: failed to solve: red',
      '',
    ])
    expect(print(true)).toContain('head │ #6 0.512 added 120 packages\n')
  })

  it('is dim where colours are wanted', () => {
    expect(print(false, true)).toContain('\u001b[2mhead │ ERROR: failed to solve: red\u001b[22m\n')
  })
})
