import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { collectReports } from '../src/collect.ts'
import { renderComment } from '../src/report/comment.ts'
import { mergeReports } from '../src/report/assemble.ts'
import { renderJson } from '../src/report/json.ts'
import type { Report } from '../src/report/report.ts'
import { version } from '../src/version.ts'
import { failedImage, imageReport, overImage, report, untouchedImage } from './support/reports.ts'

const RUN = { repositoryUrl: 'https://github.com/octo/shop', runUrl: 'https://github.com/octo/shop/actions/runs/9' }

let cwd: string
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'image-budget-collect-')))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function write(name: string, content: string | Uint8Array | Report): void {
  mkdirSync(dirname(join(cwd, name)), { recursive: true })
  const isText = typeof content === 'string' || content instanceof Uint8Array
  writeFileSync(join(cwd, name), isText ? content : renderJson(content))
}

const collect = (paths: string[] = ['reports'], expected: string[] = []): Promise<Report> =>
  collectReports({ paths, cwd, expected, run: RUN })

/** What is wrong, a sentence each. */
async function problems(paths?: string[], expected?: string[]): Promise<string[]> {
  return collect(paths, expected).then(
    () => [],
    (error: Error) => error.message.split('\n'),
  )
}

const of = (...names: string[]): Report => report({ images: names.map((name) => imageReport({ name })) })
const namesOf = ({ images }: Report): string[] => images.map(({ name }) => name)

describe('reports of other jobs', () => {
  it('are found in the folders that an artifact each was put into, and below', async () => {
    write('reports/image-budget-worker/report.json', of('worker'))
    write('reports/image-budget-api/report.json', of('api'))
    write('reports/a/b/c/d.json', of('web'))
    write('reports/image-budget-api/notes.txt', 'no report')
    write('elsewhere.json', of('elsewhere'))
    expect(namesOf(await collect())).toEqual(['web', 'api', 'worker'])
    expect(namesOf(await collect(['elsewhere.json', 'reports/a', join(cwd, 'reports/image-budget-api')]))).toEqual([
      'elsewhere',
      'web',
      'api',
    ])
    // Named twice, it is read once.
    expect(namesOf(await collect(['elsewhere.json', '.', './elsewhere.json']))).toHaveLength(4)
  })

  it('become one, as if one job had measured them all, but for what is said of the run', async () => {
    const [api, worker] = [report({ images: [overImage()] }), of('worker')]
    write('reports/1.json', { ...worker, repositoryUrl: null, runUrl: 'https://evil.example', version: '0.0.0' })
    write('reports/2.json', { ...api, verdict: 'within', runUrl: null })
    const both = mergeReports([api, worker])
    expect(await collect(undefined, ['api', 'worker'])).toEqual({ ...both, ...RUN, version })
  })

  it('of one image are that report: its comment is the same, whoever writes it', async () => {
    const api = report({ images: [overImage()], gonePlatforms: ['linux/arm64'], ...RUN })
    write('reports/report.json', api)
    const collected = await collect()
    expect(collected).toEqual({ ...api, version })
    expect(renderComment(collected)).toEqual(renderComment(api))
  })

  it('stand in the order of what is expected, then of the files', async () => {
    for (const name of ['a', 'b', 'c', 'd']) write(`reports/${name}/report.json`, of(name))
    expect(namesOf(await collect(undefined, ['d', 'b']))).toEqual(['d', 'b', 'a', 'c'])
  })

  it('say of several images which of them has lost a platform', async () => {
    write('reports/1.json', { ...of('api'), gonePlatforms: ['linux/arm64'] })
    write('reports/2.json', { ...of('web', 'worker'), gonePlatforms: ['web linux/s390x'] })
    expect((await collect()).gonePlatforms).toEqual(['api linux/arm64', 'web linux/s390x'])
  })
})

describe('an image that is expected and has no report', () => {
  it('could not be measured, and so the whole', async () => {
    write('reports/report.json', of('api'))
    const collected = await collect(undefined, ['worker', 'api', 'web'])
    expect(collected.verdict).toBe('error')
    expect(collected.images.map(({ name, verdict, error }) => [name, verdict, error?.message ?? null])).toEqual([
      ['worker', 'error', 'No report of it came: the job that measures it failed, was cancelled or was skipped.'],
      ['api', 'within', null],
      ['web', 'error', expect.stringContaining('No report of it came')],
    ])
    expect(collected.head).toEqual(of('api').head)
    expect(renderComment(collected)[0]).toContain('2 of 3 images could not be measured')
  })

  it('has one where it failed: that says more', async () => {
    write('reports/report.json', report({ images: [failedImage()] }))
    expect((await collect(undefined, ['api'])).images).toEqual([failedImage()])
  })

  it('is all that there is where every job was skipped', async () => {
    for (const prepare of [() => {}, () => mkdirSync(join(cwd, 'reports'))]) {
      prepare()
      expect(await collect(undefined, ['api', 'web'])).toMatchObject({
        verdict: 'error',
        images: [{ name: 'api' }, { name: 'web' }],
        ...RUN,
      })
    }
  })

  it('where none is expected, no report at all is an error', async () => {
    expect(await problems()).toEqual(['`reports` names `reports`, and there is no such file or folder.'])
    mkdirSync(join(cwd, 'reports'))
    expect(await problems()).toEqual(['`reports` names `reports`, and there is no `*.json` in it.'])
  })
})

describe('what is no report', () => {
  it('is told with its file, all at once', async () => {
    write('reports/1.json', 'no')
    write('reports/2.json', of('api'))
    write('reports/a`\u001b[31m\n::error::x/3.json', JSON.stringify({ ...of('api'), verdict: 'fine' }))
    expect(await problems()).toEqual([
      expect.stringMatching(/^`reports\/1\.json` is no report: it is no JSON: .*\.$/),
      '`reports/a`\\u001b[31m\\n::error::x/3.json` is no report: `verdict` is `fine`, which it never is in a report.',
    ])
  })

  it('is told of some of very many', async () => {
    for (let at = 0; at < 100; at += 1) write(`reports/${at}.json`, 'no')
    expect(await problems()).toHaveLength(20)
  })

  it('is a second report of an image: both files are named', async () => {
    const arm = report({ images: [imageReport({ platform: 'linux/arm64' })] })
    write('reports/1.json', of('api'))
    write('reports/2.json', arm)
    expect((await collect()).images).toHaveLength(2)
    write('reports/3.json', of('worker', 'api'))
    write('reports/4.json', report({ images: [failedImage({ name: 'x' }), failedImage({ name: 'x' })] }))
    expect(await problems()).toEqual([
      '`reports/1.json` and `reports/3.json` are both of `api` for linux/amd64; each needs a `name` of its own.',
      '`reports/4.json` and `reports/4.json` are both of `x`; each needs a `name` of its own.',
    ])
  })
})

describe('reports that do not belong together', () => {
  const at = (name: string, commit: string | null): Report => ({ ...of(name), head: { ...of(name).head, commit } })

  it('are of two commits: what an earlier run has left is told', async () => {
    write('reports/1.json', at('web', 'b'.repeat(40)))
    write('reports/2.json', at('api', 'c'.repeat(40)))
    expect(await problems()).toEqual([
      '`reports/2.json` is of the commit `ccccccc`, and `reports/1.json` of `bbbbbbb`: they are of two runs.',
    ])
  })

  it('are none where an image lies elsewhere, or several legs leave one alone', async () => {
    const untouched = report({ images: [untouchedImage('api')] })
    write('reports/1.json', untouched)
    write('reports/2.json', untouched)
    write('reports/3.json', at('web', null))
    expect(namesOf(await collect())).toEqual(['api', 'web'])
  })
})

describe('a folder that somebody else has filled', () => {
  const isLink = 'is a link, and links are not followed.'

  it('leads nowhere: no link is followed', async () => {
    write('secret/report.json', of('secret'))
    write('reports/report.json', of('api'))
    symlinkSync('../secret/report.json', join(cwd, 'reports/link.json'))
    expect(await problems()).toEqual([`\`reports\` names \`reports\`, and \`reports/link.json\` ${isLink}`])
    rmSync(join(cwd, 'reports/link.json'))
    symlinkSync('../secret', join(cwd, 'reports/link'))
    expect(await problems()).toEqual([`\`reports\` names \`reports\`, and \`reports/link\` ${isLink}`])
    expect(await problems(['reports/link'])).toEqual([`\`reports\` names \`reports/link\`, and it ${isLink}`])
    symlinkSync('secret', join(cwd, 'linked'))
    expect(await problems(['linked'])).toEqual([`\`reports\` names \`linked\`, and it ${isLink}`])
    symlinkSync('loop', join(cwd, 'loop'))
    expect(await problems(['loop'])).toEqual([`\`reports\` names \`loop\`, and it ${isLink}`])
  })

  it('is not waited for: a pipe is no file', async () => {
    write('reports/report.json', of('api'))
    execFileSync('mkfifo', [join(cwd, 'reports/pipe.json')])
    expect(await problems()).toEqual([
      '`reports` names `reports`, and `reports/pipe.json` is neither a file nor a folder.',
    ])
    expect(await problems(['reports/pipe.json'])).toEqual([
      '`reports` names `reports/pipe.json`, and it is neither a file nor a folder.',
    ])
    expect(await problems(['/dev/zero'])).toEqual([
      '`reports` names `/dev/zero`, and it is neither a file nor a folder.',
    ])
  })

  it('is bounded in depth, names, reports and images', async () => {
    write(`reports/${'a/'.repeat(20)}report.json`, of('api'))
    expect(await problems()).toEqual([
      expect.stringMatching(/^`reports` names `reports`, and `reports\/a\S+` lies more than 8 folders deep\.$/),
    ])
    rmSync(join(cwd, 'reports'), { recursive: true })
    mkdirSync(join(cwd, 'reports'))
    for (let at = 0; at <= 1_000; at += 1) write(`reports/${at}.json`, '')
    expect(await problems()).toEqual(['`reports` names `reports`, and there are more than 1,000 of them.'])
    rmSync(join(cwd, 'reports'), { recursive: true })
    const many = (from: number) => of(...Array.from({ length: 600 }, (_, at) => `image-${from + at}`))
    write('reports/1.json', many(0))
    expect((await collect()).images).toHaveLength(600)
    write('reports/2.json', many(600))
    expect(await problems()).toEqual(['`reports/2.json`: the reports have more than 1,000 images together.'])
  })

  it('is bounded in bytes: of one, and of all of them', async () => {
    write('reports/1.json', Buffer.alloc(20_000_001, ' '))
    expect(await problems()).toEqual(['`reports/1.json` cannot be read: it has more than 20 MB.'])
    for (const at of [1, 2, 3])
      write(`reports/${at}.json`, Buffer.concat([Buffer.from(renderJson(of(`i${at}`))), Buffer.alloc(18_000_000, ' ')]))
    expect(await problems()).toEqual(['`reports/3.json` cannot be read: the reports have more than 50 MB together.'])
  })
})
