import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, jest } from '@jest/globals'
import { systemClock } from '../../src/clock.ts'
import { createExec, createOpenOutput } from '../../src/exec.ts'
import { readImage, type ImageContent } from '../../src/image/content.ts'
import { createLayerContents } from '../../src/image/layer/contents.ts'
import type { Ecosystem, Package } from '../../src/image/packages/package.ts'
import { createPlaces } from '../../src/image/source/places.ts'
import { docker, engines, type Engine } from '../support/engine.ts'

// Real images and real package managers, on a machine that may be busy.
jest.setTimeout(180_000)

const temporary = mkdtempSync(join(tmpdir(), 'image-budget-packages-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** What lies in an image of the engine; its files' sizes have to sum up to the layers'. */
async function read(engine: Engine, name: string): Promise<ImageContent> {
  const env = { ...process.env, ...engine.env }
  const { signal } = new AbortController()
  const exec = createExec(env, signal)
  const places = createPlaces({
    exec,
    openOutput: createOpenOutput(env, signal),
    tidyUp: () => exec,
    env,
    home: homedir(),
    cwd: temporary,
    signal,
    clock: systemClock,
    warn: () => {},
  })
  try {
    const contents = createLayerContents(signal)
    const wanted = { platforms: [], contents, downloadSizes: false }
    const [image] = await places
      .open({ transport: 'docker-daemon', name, text: `docker-daemon:${name}` })
      .images(wanted)
    const { sizes: layers, content } = await readImage(image!, contents)
    expect(sum(Array.from(content!.files, ({ size }) => size))).toBe(sum(layers.map((size) => size!)))
    return content!
  } finally {
    await places.close()
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

/** Bytes by a package's name (or what `key` makes of it), in the order of names. */
function sizes(
  packages: Package[],
  ecosystem: Ecosystem,
  key = (each: Package): string => each.name,
): [string, number][] {
  return sorted(packages.filter((each) => each.ecosystem === ecosystem).map((each) => [key(each), each.size]))
}
function sorted(sized: [string, number][]): [string, number][] {
  return sized.toSorted(([one], [other]) => (one < other ? -1 : 1))
}

/** Lines of `NAME<tab>BYTES`. */
function pairs(lines: string): [string, number][] {
  return sorted(
    lines.split('\n').map((line) => {
      const [name, bytes] = line.split('\t')
      return [name!, Number(bytes)]
    }),
  )
}

/** Sums up regular files, a hard link once for each package, of a list of `NAME<tab>PATH`. */
const SUM_UP = `while IFS='\t' read -r name path; do
  if [ -f "$path" ] && [ ! -L "$path" ]; then printf '%s\t%s\n' "$name" "$(stat -c '%i\t%s' "$path")"; else printf '%s\t-\t0\n' "$name"; fi
done | sort -u | awk -F '\t' '{ sum[$1] += $3 } END { for (name in sum) print name "\t" sum[name] }'`

/** The same in Node, of folders, each without the packages in it that the list has too. */
const SUM_UP_FOLDERS = `
const { readdirSync, lstatSync } = require('node:fs')
const folders = new Set(require('node:fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean))
const seen = new Set()
const sizeOf = (folder) => readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
  const path = folder + '/' + entry.name
  if (entry.isDirectory()) return folders.has(path) ? sum : sum + sizeOf(path)
  if (!entry.isFile()) return sum
  const { dev, ino, size } = lstatSync(path)
  const id = dev + ':' + ino
  return seen.has(id) ? sum : (seen.add(id), sum + size)
}, 0)
for (const folder of folders) console.log(folder + '\\t' + sizeOf(folder))`

// What lies in an image is the same in each store: one of them is enough.
describe.each(engines().slice(0, 1))('packages of real images in the $store engine', (engine) => {
  const images = docker(engine, 'images', '--format', '{{.Repository}}:{{.Tag}}').split('\n')
  const built: string[] = []
  afterAll(() => {
    if (built.length > 0) docker(engine, 'image', 'rm', '--force', ...built)
  })

  /** A test that is skipped, under a name that says why, where its base image or a program is missing. */
  function on(image: string, program: string | null, name: string, test: () => Promise<void>): void {
    if (!images.includes(image)) it.skip(`${name} (no ${image}: scripts/base-images.sh)`, test)
    else if (program !== null && spawnSync(program, ['--version']).status !== 0) {
      it.skip(`${name} (no ${program})`, test)
    } else it(name, test)
  }

  /** What a shell in a container of the image prints. */
  function sh(image: string, script: string, input = ''): string {
    const args = ['run', '--rm', '--interactive', '--network', 'none', '--entrypoint', 'sh', image, '-c', script]
    const env = { ...process.env, ...engine.env }
    return execFileSync('docker', args, { env, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trimEnd()
  }

  function build(context: string, dockerfile: string[]): string {
    const tag = `image-budget-test:${randomUUID()}`
    writeFileSync(join(context, 'Dockerfile'), dockerfile.join('\n'))
    docker(engine, 'buildx', 'build', '--quiet', '--load', '--tag', tag, context)
    built.push(tag)
    return tag
  }

  const LISTED = `dpkg-query -W -f '\${binary:Package}\n' | while read -r name; do
    dpkg-query -L "$name" | while IFS= read -r path; do printf '%s\t%s\n' "\${name%:*}" "$path"; done; done`

  for (const image of ['debian:bookworm-slim', 'node:24-bookworm-slim']) {
    on(image, null, `dpkg’s own the bytes that dpkg-query -L lists: ${image}`, async () => {
      const { packages } = await read(engine, image)
      expect(sizes(packages, 'dpkg')).toEqual(pairs(sh(image, `${LISTED} | ${SUM_UP}`)))
      const versions = sh(image, "dpkg-query -W -f '${Package} ${Version}\n'").split('\n')
      expect(
        packages.filter(({ ecosystem }) => ecosystem === 'dpkg').map((each) => `${each.name} ${each.version}`),
      ).toEqual(versions)
    })
  }

  on('python:3.11-slim-bookworm', null, 'dpkg’s also have what Python compiled of their modules', async () => {
    const image = 'python:3.11-slim-bookworm'
    const { packages } = await read(engine, image)
    const compiled = `${LISTED} | while IFS='\t' read -r name path; do printf '%s\t%s\n' "$name" "$path"; case $path in *.py)
      folder=\${path%/*}; module=\${path##*/}; for pyc in "$folder/__pycache__/\${module%.py}."*.pyc; do
      if [ -f "$pyc" ] && [ ! -L "$path" ]; then printf '%s\t%s\n' "$name" "$pyc"; fi; done;; esac; done`
    expect(sizes(packages, 'dpkg')).toEqual(pairs(sh(image, `${compiled} | ${SUM_UP}`)))
    // Debian's pip is told once, as Debian's.
    expect(sizes(packages, 'python')).toEqual([])
  })

  on(
    'node:24-bookworm-slim',
    'npm',
    'npm’s have their folders’ bytes, and are for development as npm ls says',
    async () => {
      const context = mkdtempSync(join(temporary, 'npm-'))
      const dependencies = { debug: '4.4.1', ms: '2.0.0', '@sindresorhus/is': '7.0.2' }
      const devDependencies = { rimraf: '6.0.1', '@types/ms': '2.1.0' }
      const project = {
        name: 'app',
        version: '1.0.0',
        dependencies,
        devDependencies,
        optionalDependencies: { minipass: '7.1.2' },
      }
      writeFileSync(join(context, 'package.json'), JSON.stringify(project))
      execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], {
        cwd: context,
      })
      const image = build(context, [
        'FROM node:24-bookworm-slim',
        'COPY package.json /app/',
        'COPY node_modules /app/node_modules',
      ])
      const list = (options: string): string =>
        sh(
          image,
          `{ cd /app; npm ls --all --parseable ${options}; cd /; npm ls --global --all --parseable; } | grep /node_modules/`,
        )
      const { packages } = await read(engine, image)
      expect(sizes(packages, 'npm', ({ path }) => path!)).toEqual(
        pairs(sh(image, `node -e "$(cat <<'PROGRAM'\n${SUM_UP_FOLDERS}\nPROGRAM\n)"`, list(''))),
      )
      const named = sh(image, 'cd /app; npm ls --all --parseable --long | grep /node_modules/').split('\n')
      const own = packages.filter(({ path }) => path?.startsWith('/app/') === true)
      expect(own.map(({ path, name, version }) => `${path}:${name}@${version}`).toSorted()).toEqual(named.toSorted())
      const production = new Set(list('--omit=dev').split('\n'))
      expect(own.map(({ path, dev }) => [path, dev])).toEqual(own.map(({ path }) => [path, !production.has(path!)]))
      expect(own.filter(({ dev }) => dev === true).length).toBeGreaterThan(5)
    },
  )

  on('python:3.11-slim-bookworm', 'pip3', 'Python’s have the bytes that pip show -f lists', async () => {
    const context = mkdtempSync(join(temporary, 'pip-'))
    const platform = ['--only-binary=:all:', '--python-version=3.11', '--platform=manylinux2014_x86_64']
    const wanted = ['bottle==0.13.2', 'MarkupSafe==3.0.2', 'Jinja2==3.1.6']
    execFileSync('pip3', [
      'download',
      '--quiet',
      '--no-deps',
      ...platform,
      '--dest',
      join(context, 'wheels'),
      ...wanted,
    ])
    const image = build(context, [
      'FROM python:3.11-slim-bookworm',
      'COPY wheels /wheels',
      'RUN pip install --no-index --root-user-action=ignore --find-links /wheels bottle jinja2',
    ])
    const shown = `for name in bottle Jinja2 MarkupSafe; do pip show -f "$name" | awk -v name="$name" '
      /^Location: / { location = $2 } /^Files:/ { listed = 1; next } listed { sub(/^ +/, ""); print name "\t" location "/" $0 }'; done`
    const { packages } = await read(engine, image)
    expect(sizes(packages, 'python')).toEqual(pairs(sh(image, `${shown} | ${SUM_UP}`)))
    const versions = packages.flatMap(({ ecosystem, version }) => (ecosystem === 'python' ? [version] : []))
    expect(new Set(versions)).toEqual(new Set(['0.13.2', '3.0.2', '3.1.6']))
  })

  on('golang:1.19-bookworm', null, 'Go’s are the programs, as go version -m tells them', async () => {
    const context = mkdtempSync(join(temporary, 'go-'))
    writeFileSync(join(context, 'go.mod'), 'module example.com/octo/tool\n\ngo 1.19\n')
    writeFileSync(join(context, 'main.go'), 'package main\n\nfunc main() { println("hello") }\n')
    const image = build(context, [
      'FROM golang:1.19-bookworm AS build',
      'WORKDIR /src',
      'COPY . .',
      'RUN CGO_ENABLED=0 go build -o /tool . && CGO_ENABLED=0 go build -ldflags "-s -w -buildid=" -o /stripped .',
      'FROM scratch',
      'COPY --from=build /tool /stripped /',
    ])
    const { packages, files } = await read(engine, image)
    expect(packages.map(({ ecosystem, name, version, path, size }) => [ecosystem, name, version, path, size])).toEqual(
      Array.from(files, ({ path, size }) => ['go', 'example.com/octo/tool', null, path, size]),
    )
    expect(files).toHaveLength(2)
  })
})
