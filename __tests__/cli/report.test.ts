import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { renderJson } from '../../src/report/json.ts'
import type { Report } from '../../src/report/report.ts'
import { failedImage, imageReport, overImage, report } from '../support/reports.ts'

/** The bundled command on reports that were written before. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-report-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, content: Report | string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), typeof content === 'string' ? content : renderJson(content))
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [COMMAND, 'report', ...args], { cwd: folder, encoding: 'utf8' })
}

describe('image-budget report', () => {
  beforeEach(() => {
    write('out/api/report.json', report({ images: [overImage()] }))
    write('out/web/report.json', report({ images: [imageReport({ name: 'web' })] }))
  })

  it('shows and judges files, and folders of them', () => {
    const all = run('out')
    expect(all).toMatchObject({ status: 1, stderr: '' })
    expect(all.stdout).toContain('Image budget: 1 of 2 images is over')
    const one = run('out/web/report.json')
    expect(one).toMatchObject({ status: 0, stderr: '' })
    expect(one.stdout).toContain('web is the same size as main')
    expect(run('out', '--fail', 'false')).toMatchObject({ status: 0 })
  })

  it('prints the one report of them all as JSON', () => {
    const { status, stdout } = run('--json', 'out/web', 'out/api')
    expect(status).toBe(1)
    const { images, verdict, runUrl } = JSON.parse(stdout) as Report
    expect(images.map(({ name }) => name)).toEqual(['api', 'web'])
    expect({ verdict, runUrl }).toEqual({ verdict: 'over', runUrl: null })
  })

  it('prints them as Markdown or HTML, in one form at a time', () => {
    const markdown = run('out', '--markdown')
    expect(markdown).toMatchObject({ status: 1, stderr: '' })
    expect(markdown.stdout).toMatch(/^### Image budget: 1 of 2 images is over\n[^]*<details>/)
    const html = run('out', '--html')
    expect(html).toMatchObject({ status: 1, stderr: '' })
    expect(html.stdout).toMatch(/^<!doctype html>[^]*<h1>Image budget: 1 of 2 images is over<\/h1>/)
    expect(run('out', '--html', '--json')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('`--json` and `--html` are forms of the same'),
    })
  })

  it('misses what the budget file or the command names', () => {
    expect(run('out/web', '--images', 'web,api')).toMatchObject({ status: 2 })
    write('.github/image-budget.yml', 'images:\n  - name: web\n  - name: worker\n')
    const { status, stdout } = run('out/web')
    expect(status).toBe(2)
    expect(stdout).toContain('No report of it came')
    expect(run('out/web', '--config', 'off')).toMatchObject({ status: 0 })
  })

  it('tells what it cannot read, and shows nothing of it that acts on the terminal', () => {
    write('out/bad/report.json', '{"schema": "\u001b[31m\n"}')
    expect(run('out')).toEqual(
      expect.objectContaining({
        status: 2,
        stdout: '',
        stderr: expect.stringMatching(/^image-budget: `out\/bad\/report\.json` is no report: /),
      }),
    )
    expect(run('nowhere').stderr).toContain('there is no such file or folder')
    const message = '\u001b[2Jforged\u0007'
    write('hostile.json', report({ images: [failedImage({ error: { ...failedImage().error!, message } })] }))
    for (const args of [['hostile.json'], ['hostile.json', '--json']]) {
      const { stdout, stderr } = run(...args)
      expect(stdout + stderr).not.toMatch(/\p{Cc}(?<!\n)/u)
      expect(stdout + stderr).toContain('forged')
    }
  })
})
