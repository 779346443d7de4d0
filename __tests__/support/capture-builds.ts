/**
 * Captures what buildx really says, as fixtures of the tests of `src/build/`: metadata of builds that succeed, logs of builds that
 * fail. Builds each Dockerfile of `__tests__/build/dockerfiles/` on the engine of the environment (DOCKER_HOST), whose store the
 * first argument names. The engine must have a local image `mybase:1` and no network; for `warnings` alone, the second argument, it
 * needs neither:
 *
 *     DOCKER_HOST=unix://… node __tests__/support/capture-builds.ts classic && npm run format
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [store, only] = process.argv.slice(2)
if (store !== 'classic' && store !== 'containerd')
  throw new Error('usage: capture-builds.ts classic|containerd [warnings]')

const root = fileURLToPath(new URL('../build', import.meta.url))
const context = join(root, 'dockerfiles/context')
const scratch = mkdtempSync(join(tmpdir(), 'capture-'))

/** What a log or a record says of the machine: nothing of it belongs into the repository. */
function neutral(text: string): string {
  return text
    .replaceAll(context, '/tree')
    .replaceAll(root, '/tests')
    .replaceAll(scratch, '/scratch')
    .replaceAll(/\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, '192.0.2.1')
    .replaceAll(/\[[0-9a-f]*::[0-9a-f:]*\](?::\d+)?/g, '192.0.2.1')
}

function build(options: string[]): { stderr: string; status: number | null } {
  const args = ['buildx', 'build', '--progress=plain', '--provenance=false', ...options]
  const env = {
    ...process.env,
    BUILDX_METADATA_PROVENANCE: 'max',
    BUILDX_METADATA_WARNINGS: '1',
    BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
  }
  return spawnSync('docker', args, { encoding: 'utf8', env })
}

function save(folder: string, name: string, text: string): void {
  mkdirSync(join(root, 'fixtures', folder), { recursive: true })
  writeFileSync(join(root, 'fixtures', folder, `${name}.${store}.${folder === 'failures' ? 'log' : 'json'}`), text)
}

type Provenance = {
  metadata: Record<string, Record<string, unknown> & { layers?: Record<string, unknown[][]> }>
}

/** Without what differs from run to run and what nothing reads. */
function trimmed(record: Provenance): Provenance {
  const copy = structuredClone(record)
  delete (copy as Record<string, unknown>)['invocation']
  const own = copy.metadata['https://mobyproject.org/buildkit@v1#metadata']
  for (const key of Object.keys(own ?? {})) if (key !== 'layers' && key !== 'source') delete own?.[key]
  for (const key of Object.keys(copy.metadata)) if (!key.startsWith('https://')) delete copy.metadata[key]
  return copy
}

function succeed(name: string, options: string[]): void {
  const file = join(scratch, 'metadata.json')
  const image = `image-budget.invalid/capture:${name.replace('@', '-')}`
  const output = store === 'classic' ? `type=image,push=false,name=${image}` : 'type=image,push=false,store=false'
  const dockerfile = join(root, 'dockerfiles/provenance', `${name.split('@')[0]}.Dockerfile`)
  const { stderr, status } = build([
    `--metadata-file=${file}`,
    `--output=${output}`,
    `--file=${dockerfile}`,
    ...options,
    context,
  ])
  if (status !== 0) throw new Error(`${name}: ${stderr}`)
  const metadata = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const ref = String(metadata['buildx.build.ref']).split('/').at(-1)!
  type Entry = { created_by: string; empty_layer?: boolean }
  const read = (digest: unknown): Record<string, unknown> =>
    JSON.parse(
      spawnSync('docker', ['buildx', 'history', 'inspect', 'attachment', ref, String(digest)], { encoding: 'utf8' })
        .stdout,
    )
  const records: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    const match = /^buildx\.build\.provenance(?:\/(.+))?$/.exec(key)
    if (match) records[match[1] ?? ''] = trimmed(value as Provenance)
  }
  // Of several platforms the metadata file has none; the build's record has.
  for (const platform of name === 'platforms' ? ['linux/amd64', 'linux/arm64'] : []) {
    const args = ['--type=https://slsa.dev/provenance/v0.2', `--platform=${platform}`, ref]
    const { stdout } = spawnSync('docker', ['buildx', 'history', 'inspect', 'attachment', ...args], {
      encoding: 'utf8',
    })
    records[platform] ??= trimmed(JSON.parse(stdout) as Provenance)
  }
  const config = metadata['containerimage.config.digest']
  // What each layer of the image is, told by the image itself.
  const layers = config
    ? (read(config)['history'] as Entry[]).filter((entry) => !entry.empty_layer).map((entry) => entry.created_by)
    : null
  save('provenance', name, neutral(`${JSON.stringify({ layers, records }, null, 1)}\n`))
  if (store === 'classic') spawnSync('docker', ['image', 'rm', image])
}

function warn(name: string, options: string[]): void {
  const file = join(scratch, 'metadata.json')
  const image = `image-budget.invalid/capture:${name}`
  const output = store === 'classic' ? `type=image,push=false,name=${image}` : 'type=image,push=false,store=false'
  const dockerfile = join(root, 'dockerfiles/warnings', `${name}.Dockerfile`)
  const { stderr, status } = build([
    `--metadata-file=${file}`,
    `--output=${output}`,
    `--file=${dockerfile}`,
    ...options,
    context,
  ])
  if (status !== 0) throw new Error(`${name}: ${stderr}`)
  const metadata = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  save('warnings', name, neutral(`${JSON.stringify(metadata['buildx.build.warnings'] ?? null, null, 1)}\n`))
  if (store === 'classic') spawnSync('docker', ['image', 'rm', image])
}

function fail(name: string, options: string[] = []): void {
  const dockerfile = join(root, 'dockerfiles/failures', `${name}.Dockerfile`)
  const output =
    store === 'classic'
      ? 'type=image,push=false,name=image-budget.invalid/capture:x'
      : 'type=image,push=false,store=false'
  const { stderr, status } = build([`--output=${output}`, `--file=${dockerfile}`, ...options, context])
  if (status === 0) throw new Error(`${name} was built`)
  save('failures', name, neutral(stderr))
}

try {
  for (const entry of readdirSync(join(root, 'dockerfiles/warnings')))
    warn(entry.replace('.Dockerfile', ''), ['--build-arg=WHO=hunter3'])
  if (only !== 'warnings') captureBuilds()
} finally {
  rmSync(scratch, { recursive: true })
}

function captureBuilds(): void {
  for (const entry of readdirSync(join(root, 'dockerfiles/provenance'))) {
    if (entry.startsWith('platforms')) continue
    succeed(entry.replace('.Dockerfile', ''), ['--build-arg=WHO=me'])
  }
  succeed('alias@target', ['--target=runtime'])
  if (store === 'containerd') succeed('platforms', ['--platform=linux/amd64,linux/arm64'])
  for (const entry of readdirSync(join(root, 'dockerfiles/failures'))) {
    const name = entry.replace('.Dockerfile', '')
    if (name !== 'multi-platform') fail(name, name === 'bad-target' ? ['--target=prodution'] : [])
  }
  fail('no-dockerfile')
  if (store === 'classic') fail('multi-platform', ['--platform=linux/amd64,linux/arm64'])
}
