import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { ImageReport, Report } from '../../src/report/report.ts'
import { engines } from '../support/engine.ts'
import { openPullRequest, type PullRequestFixture } from '../support/pull-request.ts'
import type { RunResult } from '../support/runner.ts'

// Real builds, on a machine that may be busy.
jest.setTimeout(240_000)

const BAKE = `variable "BYTES" { default = "1000" }
function "twice" {
  params = [text]
  result = "\${text}\${text}"
}
group "default" { targets = ["api", "inline", "lint"] }
target "_common" { args = { BYTES = BYTES } }
target "shared" { dockerfile = "shared.Dockerfile" }
target "api" {
  inherits = ["_common"]
  context = "services/api"
  dockerfile = "../api.Dockerfile"
  contexts = { shared = "target:shared" }
  target = "final"
  tags = ["registry.invalid/api:1"]
  output = ["type=registry"]
  secret = ["id=word,env=WORD"]
}
target "inline" {
  name = "inline-\${size}"
  matrix = { size = ["small", "large"] }
  dockerfile-inline = <<EOT
FROM image-budget/base:1
RUN head -c \${size == "small" ? 10 : 20000} /dev/zero > /zeros && echo \${twice("x")}
COPY services/api/payload /payload
EOT
}
target "lint" {
  dockerfile = "shared.Dockerfile"
  output = ["type=cacheonly"]
}
`
const API =
  'FROM shared\n\nFROM shared AS final\nARG BYTES\nRUN head -c "$BYTES" /dev/zero >/zeros\nCOPY payload /payload\n'

let change: PullRequestFixture
beforeAll(() => {
  change = openPullRequest(
    {
      'docker-bake.hcl': BAKE,
      'shared.Dockerfile': 'FROM image-budget/base:1\nRUN head -c 4000 /dev/zero >/shared\n',
      'services/api.Dockerfile': API,
      'services/api/Dockerfile': 'FROM image-budget/base:1\nCOPY payload /payload\n',
      'services/worker/Dockerfile': 'FROM image-budget/base:1\nCOPY payload /payload\n',
      'services/worker/payload': 'x'.repeat(500),
      'services/api/payload': 'x'.repeat(1000),
    },
    {
      'docker-bake.hcl': `${BAKE.replace('"1000"', '"3000"')}target "added" { inherits = ["api"] }\n`,
      'shared.Dockerfile': 'FROM image-budget/base:1\nRUN head -c 9000 /dev/zero >/shared\n',
      'services/api/payload': 'x'.repeat(21_000),
    },
  )
})
afterAll(() => change.dispose())

const reportOf = (result: RunResult): Report => JSON.parse(readFileSync(result.outputs.report!, 'utf8')) as Report
const sizes = ({ images }: Report): unknown[] => images.map(({ name, change: of }) => [name, of?.size?.amount])

describe.each(engines())('on the $name store', ({ env }) => {
  const run = (inputs: Record<string, string>, more: Record<string, string> = {}): Promise<RunResult> =>
    change.run({ ...env, ...more }, { inputs: { baseline: 'build', ...inputs } })

  it('builds the targets of the default group as bake does, each side by its own bake file', async () => {
    const result = await run({ 'bake-files': 'docker-bake.hcl' }, { WORD: 'hunter22' })
    expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'within' } })
    const report = reportOf(result)
    expect(sizes(report)).toEqual([
      ['api', 27_000],
      ['inline-small', 20_000],
      ['inline-large', 20_000],
    ])
    const [api, inline] = report.images as [ImageReport, ImageReport]
    expect(api.layerChanges.flatMap(({ file, line }) => (file === null ? [] : [`${file}:${line}`]))).toEqual(
      expect.arrayContaining(['shared.Dockerfile:2', 'services/api.Dockerfile:5', 'services/api.Dockerfile:6']),
    )
    // What stands in a bake file has no line of a Dockerfile.
    const own = inline.layerChanges.filter(({ instruction }) => instruction.startsWith('COPY services'))
    expect(own).toMatchObject([{ file: null, line: null }])
  })

  it('has no comparison for a target that the base does not have, and what is given comes before what the file says', async () => {
    const result = await run({ 'bake-targets': 'added, api', 'build-args': 'BYTES=50000' }, { BYTES: '7' })
    const report = reportOf(result)
    expect(sizes(report)).toEqual([
      ['added', undefined],
      ['api', 25_000],
    ])
    expect(report.images[0]).toMatchObject({ baseline: { kind: 'none' } })
    expect(report.images[0]?.baseline.reason).toMatch(/the bake file has no target `added`/)
  })

  it('finds committed Dockerfiles', async () => {
    const result = await run({ dockerfiles: 'services/*/Dockerfile', 'max-increase': '15 kB' })
    expect(result).toMatchObject({ exitCode: 1, outputs: { verdict: 'over' } })
    const report = reportOf(result)
    expect(report.images.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['services/api', 'over'],
      ['services/worker', 'within'],
    ])
  })
})
