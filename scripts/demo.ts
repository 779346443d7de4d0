/**
 * The main job, told on a real example: `npm run demo`, or `npm run demo -- classic` (or `containerd`) for one engine.
 *
 * A repository holds examples/node. A pull request copies the wrong stage's packages into its image, and more files than it needs. The
 * action runs as on a runner (the bundled dist/index.js, a checkout like actions/checkout's, a real payload, a real engine); GitHub
 * alone is a stand-in, on this machine. Then the author mends it and pushes again. What was posted is printed, and kept in demo-output/.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { docker, engines, type Engine } from '../__tests__/support/engine.ts'
import { startGitHub } from '../__tests__/support/github/server.ts'
import { payload } from '../__tests__/support/payload.ts'
import { checkOut, createRepository, mergeCommit } from '../__tests__/support/repository.ts'
import { runAction, type RunResult } from '../__tests__/support/runner.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const OUTPUT = join(root, 'demo-output')
const BUDGETS = { 'max-size': '245 MB', 'max-download-size': '86 MB', 'max-layers': '12', 'max-increase': '3%' }

const title = (text: string): void => console.log(`\n${styleText(['bold', 'cyan'], `── ${text} `.padEnd(100, '─'))}\n`)
const say = (text: string): void => console.log(text)

async function tell(engine: Engine): Promise<void> {
  const { store } = engine
  title(`Docker ${docker(engine, 'version', '--format', '{{.Server.Version}}')} with the ${store} image store`)
  const github = await startGitHub({ owner: 'octo-org', name: 'parcels' })
  const origin = createRepository()
  const temp = mkdtempSync(join(tmpdir(), 'image-budget-demo-'))
  const folder = join(OUTPUT, store)
  mkdirSync(folder, { recursive: true })
  try {
    cpSync(join(root, 'examples/node'), origin.dir, {
      recursive: true,
      filter: (path) => !/\/(?:vendor|node_modules)$/.test(path),
    })
    const base = origin.commit({}, 'Parcels')
    const dockerfile = readFileSync(join(origin.dir, 'Dockerfile'), 'utf8')

    const push = async (
      files: Record<string, string>,
      message: string,
    ): Promise<{ result: RunResult; checkout: string }> => {
      const head = origin.commit(files, message)
      const checkout = checkOut(origin, mergeCommit(origin, base, head))
      say(
        `$ git show ${head.slice(0, 7)}: ${message}\n${origin.git('show', '--format=', '--unified=0', 'HEAD', '--', 'Dockerfile')}\n`,
      )
      const event = payload('pull_request.synchronize', {
        repository: { full_name: 'octo-org/parcels' },
        number: 1,
        pull_request: { head: { sha: head }, base: { sha: base, ref: 'main' } },
      })
      say('The log of the step, its groups folded:\n')
      const result = await runAction({
        inputs: { ...BUDGETS, 'before-build': './prepare.sh' },
        event,
        sha: checkout.git('rev-parse', 'HEAD'),
        workspace: checkout.dir,
        temp,
        github,
        env: engine.env,
      })
      writeFileSync(join(folder, `log-${message.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.txt`), result.stdout)
      say(folded(result.stdout))
      say(`The step's exit code: ${styleText('bold', String(result.exitCode))} (verdict: ${result.outputs['verdict']})`)
      return { result, checkout: checkout.dir }
    }

    title('A pull request that bloats the image')
    const over = await push(
      {
        Dockerfile: dockerfile
          .replace(
            'COPY --from=dependencies /app/node_modules node_modules',
            'COPY --from=build /app/node_modules node_modules',
          )
          .replace('COPY --from=build /app/dist dist', 'COPY --from=build /app/dist dist\nCOPY samples samples'),
        'samples/parcels.csv': sampleParcels(),
      },
      'Sample parcels, and packages from the build',
    )
    const posted = github.state.comments.map(({ body }) => body).join('\n')
    title(`The comment on the pull request (${join('demo-output', store, 'comment.md')})`)
    say(posted)
    writeFileSync(join(folder, 'comment.md'), `${posted}\n`)
    writeFileSync(join(folder, 'summary.md'), over.result.summary)
    cpSync(over.result.outputs['report']!, join(folder, 'report.json'))

    title('The same image, built and asked by hand')
    checkByHand(engine, over.checkout, over.result)
    rmSync(over.checkout, { recursive: true })

    title('The author mends it and pushes again')
    const mended = await push({ Dockerfile: dockerfile }, 'Packages of production alone')
    rmSync(mended.checkout, { recursive: true })
    const after = github.state.comments.map(({ body }) => body)
    say(`\nComments on the pull request: ${after.length}, now:\n\n${after.join('\n')}`)
    writeFileSync(join(folder, 'comment-after.md'), `${after.join('\n')}\n`)
    expect(isCompared(over.result) && isCompared(mended.result), 'both pushes were compared with their base')
    expect(
      over.result.exitCode === 1 && mended.result.exitCode === 0,
      'the first push breaks the budget, the second keeps it',
    )
    expect(
      after.length === 1 && after[0] !== posted,
      'both pushes have one comment, and the second brought it up to date',
    )
    expect(
      github.violations.length === 0,
      `every request is as GitHub describes its API ${JSON.stringify(github.violations)}`,
    )
  } finally {
    await github.close()
    origin.dispose()
    rmSync(temp, { recursive: true })
  }
}

/** Whether the report has figures of the base. */
function isCompared({ outputs }: RunResult): boolean {
  const report = JSON.parse(readFileSync(outputs['report']!, 'utf8')) as { images: { base: object | null }[] }
  return report.images.every(({ base }) => base !== null)
}

/** A step's log as a workflow's page shows it: groups folded, commands to the runner hidden but for what they make visible. */
function folded(log: string): string {
  const withoutGroups = log.replaceAll(
    /^::group::(.*)\n([^]*?)^::endgroup::$/gm,
    (_, group: string, lines: string) => `▸ ${group} (${lines.split('\n').length - 1} lines)`,
  )
  return withoutGroups
    .replaceAll(/^::(?:[0-9a-f-]{36}::|stop-commands::|add-mask::).*\n/gm, '')
    .replaceAll(/^::error ([^:]*)::/gm, (_, at: string) => styleText('red', `Error (${decodeURIComponent(at)}): `))
}

/** Some 2 MB of a file that nobody needs at run time. */
function sampleParcels(): string {
  return Array.from(
    { length: 60_000 },
    (_, at) => `${at},${(at * 7919) % 30_000},${(at * 104_729) % 120},${(at * 31) % 60},DE,parcel ${at}\n`,
  ).join('')
}

/** Builds the checked-out tree with docker alone, and compares what GNU tar finds in the saved image with what the action reported. */
function checkByHand(engine: Engine, checkout: string, { outputs }: RunResult): void {
  execFileSync('./prepare.sh', { cwd: checkout })
  const tag = `image-budget-demo:${engine.store}`
  docker(engine, 'build', '--quiet', '--provenance=false', '--tag', tag, checkout)
  const saved = join(tmpdir(), `${tag.replace(':', '-')}.tar`)
  docker(engine, 'save', '--output', saved, tag)
  const read = (name: string): Buffer => execFileSync('tar', ['-xOf', saved, name], { maxBuffer: 2 ** 30 })
  const blob = (digest: string): Buffer => read(`blobs/${digest.replace(':', '/')}`)
  let described = json(blob(json(read('index.json')).manifests![0]!.digest))
  if (described.manifests) described = json(blob(described.manifests[0]!.digest))
  const layers = described.layers!
  const isPacked = engine.store === 'containerd'
  const entries = layers.flatMap(({ digest }) =>
    execFileSync('tar', [isPacked ? '-tvzf' : '-tvf', '-'], {
      input: blob(digest),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    })
      .split('\n')
      .map((line) => line.split(/ +/)),
  )
  rmSync(saved)
  const size = entries.reduce((sum, [mode = '', , bytes]) => sum + (mode.startsWith('-') ? Number(bytes) : 0), 0)
  say(
    `the files in the layers of \`docker save\`, as tar lists them: ${size} bytes; the output \`size\`: ${outputs['size']} bytes`,
  )
  expect(String(size) === outputs['size'], 'they are equal to the byte')
  if (isPacked) {
    const sizes = [described.config!, ...layers].map((each) => each.size)
    const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
    say(
      `config and layers in its manifest: ${sizes.join(' + ')} = ${total} bytes; the output \`download-size\`: ${outputs['download-size']} bytes`,
    )
    expect(String(total) === outputs['download-size'], 'they are equal to the byte')
  } else {
    const told = Number(docker(engine, 'image', 'inspect', '--format', '{{.Size}}', tag))
    say(
      `docker image inspect: ${told} bytes. Of layers that it imported, loaded or pulled this store counts the targets of symbolic links too: ${told - size} bytes.`,
    )
  }
  docker(engine, 'image', 'rm', tag)
}
const json = (bytes: Buffer): Described => JSON.parse(bytes.toString()) as Described
type Descriptor = { digest: string; size: number }
type Described = { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] }

function expect(kept: boolean, promise: string): void {
  say(`${kept ? styleText('green', '✓') : styleText('red', '✗')} ${promise}`)
  if (!kept) process.exitCode = 1
}

const wanted = process.argv[2]
for (const engine of engines())
  if (wanted === undefined || wanted === 'all' || wanted === engine.store) await tell(engine)
