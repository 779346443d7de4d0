import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createExec, createOpenOutput, type Exec, type OpenOutput } from '../src/exec.ts'
import { CouldNotMeasure, type Failure } from '../src/failure.ts'

const node = process.execPath
const { env } = process

let folder: string
let cancel: AbortController
let exec: Exec
let openOutput: OpenOutput
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'exec-')))
  cancel = new AbortController()
  exec = createExec(env, cancel.signal)
  openOutput = createOpenOutput(env, cancel.signal)
})
afterEach(() => rm(folder, { recursive: true }))

/** The failure that a promise is rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof CouldNotMeasure) return error.failure
  throw error ?? new Error('It did not fail.')
}

/** Waits until a process has ended: until then its entry names it as anything but a zombie. */
async function hasEnded(pid: number): Promise<void> {
  while (isAlive(pid)) await setImmediate()
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('a program that runs', () => {
  it.each([0, 1, 2, 255])('gives the exit code %d', async (code) => {
    expect((await exec(node, ['-e', `process.exit(${code})`])).exitCode).toBe(code)
  })

  it('gives 128 and the number of the signal that ended it', async () => {
    expect((await exec('sh', ['-c', 'kill -9 $$'])).exitCode).toBe(137)
  })

  it('gives its output as it is, line ends and all, and the error output apart', async () => {
    const result = await exec(node, [
      '-e',
      'process.stdout.write("  a\\r\\n\\nb ü\\t"); process.stderr.write("oops\\n")',
    ])
    expect(result).toEqual({ exitCode: 0, stdout: '  a\r\n\nb ü\t', stderr: 'oops\n' })
  })

  it('gives megabytes of output whole', async () => {
    const { stdout } = await exec(node, ['-e', 'process.stdout.write("ü0123456789".repeat(1e6))'])
    expect(stdout === 'ü0123456789'.repeat(1e6)).toBe(true)
  })

  it('keeps the end of an endless error output', async () => {
    const { stderr } = await exec(node, [
      '-e',
      'process.stderr.write("x".repeat(3e6)); process.stderr.write("the end")',
    ])
    expect(stderr.length).toBe(256 * 1024)
    expect(stderr.endsWith('xthe end')).toBe(true)
  })

  it('tells the lines of both outputs, the last one also where it has no line end', async () => {
    const lines: string[] = []
    await exec('sh', ['-c', 'echo one; echo; printf "two\\r\\n"; echo three >&2; printf four; printf five >&2'], {
      onLine: (line) => lines.push(line),
    })
    expect(lines.toSorted()).toEqual(['', 'five', 'four', 'one', 'three', 'two'])
  })

  it('puts characters together that come in two pieces', async () => {
    const lines: string[] = []
    const script = `
      const bytes = Buffer.from('größer\\n')
      process.stderr.write(bytes.subarray(0, 3))
      setTimeout(() => process.stderr.write(bytes.subarray(3)), 50)`
    const { stderr } = await exec(node, ['-e', script], { onLine: (line) => lines.push(line) })
    expect([stderr, lines]).toEqual(['größer\n', ['größer']])
  })

  it('reads the input it is given, and finds the end of it', async () => {
    expect((await exec('cat', [], { input: 'from\nhere' })).stdout).toBe('from\nhere')
    expect((await exec('cat', [])).stdout).toBe('')
  })

  it('may end without reading its input', async () => {
    expect((await exec('true', [], { input: 'x'.repeat(1e6) })).exitCode).toBe(0)
  })

  it('gets its arguments literally', async () => {
    const args = ['', ' ', 'a b', `"'`, 'line\nline', '*', '$HOME', '`id`', '$(id)', '\\', '\\"', '--', 'ü', ';&|<>']
    const { stdout } = await exec(node, ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...args])
    expect(JSON.parse(stdout)).toEqual(args)
  })

  it('runs in the folder it is told', async () => {
    expect((await exec('pwd', [], { cwd: folder })).stdout).toBe(`${folder}\n`)
  })

  it('may stand at a path with spaces and quotes', async () => {
    const program = join(folder, `a "b" 'c'`, 'program name')
    await mkdir(join(program, '..'))
    await writeFile(program, '#!/bin/sh\necho "$1"')
    await chmod(program, 0o755)
    expect((await exec(program, ['x y'])).stdout).toBe('x y\n')
  })

  it('is not waited for when it leaves something in the background that keeps its output open', async () => {
    const { exitCode, stdout } = await exec('sh', ['-c', 'sleep 60 & echo $!'])
    process.kill(Number(stdout), 'SIGKILL')
    expect(exitCode).toBe(0)
  })
})

const seen = async (run: Exec, options: Parameters<Exec>[2]): Promise<Record<string, string>> =>
  JSON.parse((await run(node, ['-p', 'JSON.stringify(process.env)'], options)).stdout)

describe("a program's environment", () => {
  const parent = {
    PATH: env['PATH'],
    INPUT_TOKEN: 's3cret',
    'INPUT_GITHUB-TOKEN': 's3cret',
    HOME: '/home/me',
    EMPTY: '',
  }
  const workflow = { ACTIONS_RUNTIME_TOKEN: 's3cret', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 's3cret', GITHUB_TOKEN: 's3cret' }

  it('is the parent’s, without the inputs of the action', async () => {
    const { PATH, HOME, EMPTY, ...rest } = await seen(createExec(parent, cancel.signal), {})
    expect([PATH, HOME, EMPTY]).toEqual([env['PATH'], '/home/me', ''])
    expect(rest).toEqual({})
  })

  it('is added to, and taken from', async () => {
    const options = { env: { HOME: undefined, MORE: 'a\nb=c' } }
    expect(await seen(createExec(parent, cancel.signal), options)).toEqual({
      PATH: env['PATH'],
      EMPTY: '',
      MORE: 'a\nb=c',
    })
  })

  it('keeps what caches need, unless it is to be without credentials', async () => {
    const run = createExec(
      { PATH: env['PATH'], GITHUB_REF: 'refs/heads/main', GH_TOKEN: 's3cret', ...workflow },
      cancel.signal,
    )
    expect(await seen(run, {})).toMatchObject(workflow)
    expect(await seen(run, { withoutCredentials: true })).toEqual({ PATH: env['PATH'], GITHUB_REF: 'refs/heads/main' })
  })
})

describe('a program that cannot be started', () => {
  it('is a missing precondition, with the remedy', async () => {
    expect(await failureOf(exec('no-such-program', ['--version']))).toMatchObject({
      kind: 'precondition',
      message: '`no-such-program` is not installed or not on the PATH.',
      remedy: expect.stringContaining('Install no-such-program'),
    })
  })

  it('is not blamed for a folder that is not there', async () => {
    const failure = await failureOf(exec('true', [], { cwd: join(folder, 'none') }))
    expect(failure.message).toBe(`There is no folder \`${join(folder, 'none')}\` to run \`true\` in.`)
  })

  it('says so when its arguments are too long for the system', async () => {
    const failure = await failureOf(exec('true', ['x'.repeat(3e6)]))
    expect(failure).toMatchObject({
      kind: 'input',
      message: 'The arguments of `true` are longer than the system takes.',
    })
  })
})

/** Runs a script until its first line, which it gives with the promise of its end. */
async function started(program: string, args: string[]): Promise<{ line: string; end: Promise<unknown> }> {
  return new Promise((resolve) => {
    const end = exec(program, args, { onLine: (line) => resolve({ line, end }) })
    end.catch(() => {})
  })
}

describe('a run that is cancelled', () => {
  it('stops the programs under way, all of them, and leaves none behind', async () => {
    const both = await Promise.all([
      started('sh', ['-c', 'sleep 60 & echo "$$ $!"; wait']),
      started(node, ['-e', 'console.log(process.pid); setInterval(() => {}, 1e6)']),
    ])
    const pids = both.flatMap(({ line }) => line.split(' ').map(Number))
    expect(pids.map(isAlive)).toEqual([true, true, true])
    cancel.abort()
    for (const { end } of both) {
      expect(await failureOf(end)).toMatchObject({
        kind: 'cancelled',
        message: expect.stringMatching(/^The run was cancelled/),
      })
    }
    await Promise.all(pids.map(hasEnded))
  })

  it('also stops one that closes its output and does not listen', async () => {
    const { line, end } = await started('sh', ['-c', '(trap "" TERM; exec >&- 2>&-; sleep 60) & echo $!; wait'])
    cancel.abort()
    expect((await failureOf(end)).kind).toBe('cancelled')
    await hasEnded(Number(line))
  })

  it('also stops what another thread of a program has started, as those written in Go do', async () => {
    const worker = `const { pid } = require('child_process').spawn('sleep', ['60']);
      require('worker_threads').parentPort.postMessage(pid)`
    const script = `new (require('worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true })
      .on('message', (pid) => console.log(pid)); setInterval(() => {}, 1e6)`
    const { line, end } = await started(node, ['-e', script])
    expect(isAlive(Number(line))).toBe(true)
    cancel.abort()
    expect((await failureOf(end)).kind).toBe('cancelled')
    await hasEnded(Number(line))
  })

  it('stops one that is about to be started', async () => {
    const mark = join(folder, 'mark')
    const end = exec('sh', ['-c', `sleep 60; echo > ${mark}`])
    cancel.abort()
    expect((await failureOf(end)).kind).toBe('cancelled')
  })

  it('starts nothing more', async () => {
    cancel.abort()
    expect((await failureOf(exec('touch', [join(folder, 'mark')]))).kind).toBe('cancelled')
    expect(existsSync(join(folder, 'mark'))).toBe(false)
  })

  it('lets a program finish its tidying up', async () => {
    const { end } = await started('sh', [
      '-c',
      `trap 'echo tidy > ${folder}/tidied; exit 0' TERM; echo up; while :; do sleep 0.05; done`,
    ])
    cancel.abort()
    await failureOf(end)
    const { stdout } = await createExec(env, new AbortController().signal)('cat', [join(folder, 'tidied')])
    expect(stdout).toBe('tidy\n')
  })
})

describe('a program that has a signal of its own', () => {
  it('is stopped by it alone', async () => {
    const own = new AbortController()
    const stopped = exec('sleep', ['60'], { signal: own.signal })
    const other = exec('echo', ['other'], {})
    own.abort()
    expect((await failureOf(stopped)).kind).toBe('cancelled')
    expect((await other).stdout).toBe('other\n')
  })
})

/** All bytes of a stream. */
async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

describe('the output of a program as a stream', () => {
  it('is its bytes as they are, whatever they are', async () => {
    const script = 'process.stdout.write(Buffer.from(Array.from({ length: 3e6 }, (_, at) => at % 251)))'
    const bytes = await bytesOf(await openOutput(node, ['-e', script]))
    expect(bytes.equals(Buffer.from(Array.from({ length: 3e6 }, (_, at) => at % 251)))).toBe(true)
  })

  it('may be empty, and the error output is no part of it', async () => {
    expect(await bytesOf(await openOutput('sh', ['-c', 'echo oops >&2']))).toHaveLength(0)
  })

  it('makes the program wait while nobody reads', async () => {
    const mark = join(folder, 'mark')
    const stream = await openOutput('sh', ['-c', `head -c 8000000 /dev/zero; echo > ${mark}`])
    const first = await new Promise<Buffer>((resolve) => stream.once('data', (data) => resolve(data)))
    stream.pause()
    // Long enough for a program that does not wait.
    await exec('sh', ['-c', 'head -c 8000000 /dev/zero | wc -c'])
    expect([existsSync(mark), stream.readableLength < 1_000_000]).toEqual([false, true])
    expect(first.length + (await bytesOf(stream)).length).toBe(8_000_000)
    expect(existsSync(mark)).toBe(true)
  })

  it.each([
    [
      'with its exit code and what it said last',
      'echo a >&2; echo "no such image" >&2; exit 3',
      /failed with exit code 3: no such image$/,
    ],
    ['with its exit code alone, where it said nothing', 'exit 1', /failed with exit code 1\.$/],
    ['with the signal that ended it', 'kill -9 $$', /was ended by SIGKILL\.$/],
  ])('fails where the program fails, %s, after what it gave before', async (_, script, message) => {
    const stream = await openOutput('sh', ['-c', `echo part; ${script}`])
    const parts: string[] = []
    const failure = await failureOf(
      (async () => {
        for await (const part of stream) parts.push(String(part))
      })(),
    )
    expect(failure).toMatchObject({ kind: 'measure', message: expect.stringMatching(message) })
    expect(parts).toEqual(['part\n'])
  })

  it('finds no input, the folder and the environment that it is given', async () => {
    const options = { cwd: folder, env: { MORE: 'more' }, withoutCredentials: true }
    const run = createOpenOutput({ PATH: env['PATH'], INPUT_TOKEN: 's3cret', GH_TOKEN: 's3cret' }, cancel.signal)
    const script = 'cat; pwd; echo "$MORE $INPUT_TOKEN$GH_TOKEN"'
    expect(String(await bytesOf(await run('sh', ['-c', script], options)))).toBe(`${folder}\nmore \n`)
  })

  it('cannot be had of a program that is not installed', async () => {
    expect(await failureOf(openOutput('no-such-program', []))).toMatchObject({
      kind: 'precondition',
      message: '`no-such-program` is not installed or not on the PATH.',
    })
  })

  it('fails where the system refuses to start the program', async () => {
    const program = join(folder, 'program')
    await writeFile(program, '#!/no/such/interpreter')
    await chmod(program, 0o755)
    await expect(openOutput(program, []).then(bytesOf)).rejects.toThrow('ENOENT')
  })

  it('stops the program, with all that it started, when it is destroyed', async () => {
    const stream = await openOutput('sh', ['-c', 'sleep 60 & echo "$$ $!"; wait'])
    const pids = await new Promise<number[]>((resolve) =>
      stream.once('data', (data) => resolve(String(data).split(' ').map(Number))),
    )
    expect(pids.map(isAlive)).toEqual([true, true])
    stream.destroy()
    await new Promise((closed) => stream.once('close', closed))
    await Promise.all(pids.map(hasEnded))
  })

  it('stops the program when the reader leaves', async () => {
    let pid = 0
    for await (const data of await openOutput('sh', ['-c', 'echo $$; exec yes'])) {
      pid = parseInt(String(data), 10)
      break
    }
    await hasEnded(pid)
  })

  it('fails when the run is cancelled, and leaves nothing behind', async () => {
    const stream = await openOutput('sh', ['-c', '(trap "" TERM; sleep 60) & echo "$!"; wait'])
    const pid = await new Promise<number>((resolve) => stream.once('data', (data) => resolve(Number(data))))
    cancel.abort()
    expect((await failureOf(bytesOf(stream))).kind).toBe('cancelled')
    await hasEnded(pid)
    expect((await failureOf(openOutput('echo', []))).kind).toBe('cancelled')
  })
})
