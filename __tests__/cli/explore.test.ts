import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { filePath, load } from '../../page/image.ts'
import { imagesIn } from '../support/pages.ts'
import { gzipped, imageOf, layerOf, layoutOf } from '../support/saved-images.ts'

/** The terminal's door: the bundled command as a user runs it. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-explore-'))
  const below = layerOf({ 'bin/sh': 'x'.repeat(300), 'etc/motd': 'hello' })
  const layouts = {
    one: layoutOf([imageOf([below, layerOf({ 'app/a.js': 'a', 'app/b.js': 'bb' })].map(gzipped))]),
    two: layoutOf([imageOf([below, layerOf({ 'app/a.js': 'aaaa', 'bin/.wh.sh': '' })].map(gzipped))]),
  }
  for (const [name, files] of Object.entries(layouts)) {
    for (const [path, content] of files) {
      mkdirSync(dirname(join(folder, name, path)), { recursive: true })
      writeFileSync(join(folder, name, path), content)
    }
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('image-budget explore', () => {
  it('writes a page of two images, and prints where it is', () => {
    const { status, stdout } = run('explore', 'oci:one', 'oci:two')
    expect([status, stdout]).toEqual([0, `${join(folder, 'image-budget.html')}\n`])
    const [image, ...others] = imagesIn(readFileSync(stdout.trim(), 'utf8'))
    expect(others).toEqual([])
    expect(image).toMatchObject({ platform: 'linux/amd64', size: 309, sizeBefore: 308 })
    const loaded = load(image!)
    const files = loaded.names.map((_, file) => [
      filePath(loaded, file),
      loaded.before[file],
      loaded.after[file],
      loaded.lostAfter[file]! > 0,
    ])
    expect(files.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))).toEqual([
      ['/app/a.js', 1, 4, false],
      ['/app/b.js', 2, 0, false],
      ['/bin/sh', 300, 300, true],
      ['/etc/motd', 5, 5, false],
    ])
  })

  it('writes a page of one image, into folders that it makes, over what was there', () => {
    const page = join(folder, 'out', 'deep', 'map.html')
    for (const size of [308, 309]) {
      const name = size === 308 ? 'one' : 'two'
      expect(run('explore', '--output', 'out/deep/map.html', `oci:${name}`)).toMatchObject({ status: 0 })
      expect(imagesIn(readFileSync(page, 'utf8'))).toMatchObject([{ size, sizeBefore: null }])
    }
    expect(readdirSync(dirname(page))).toEqual(['map.html'])
  })

  it('replaces a link instead of following it', () => {
    writeFileSync(join(folder, 'precious'), 'mine')
    symlinkSync('precious', join(folder, 'link.html'))
    expect(run('explore', '--output', 'link.html', 'oci:one').status).toBe(0)
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('mine')
  })

  it('is an error where there is no image, or no way to write, and leaves nothing', () => {
    const missing = run('explore', '--output', 'none.html', 'oci:three')
    expect(missing).toMatchObject({ status: 2, stdout: '' })
    expect(missing.stderr).toContain('three')
    const unwritable = run('explore', '--output', 'precious/map.html', 'oci:one')
    expect(unwritable).toMatchObject({ status: 2, stdout: '' })
    expect(unwritable.stderr).toContain('The page cannot be written')
    expect(readdirSync(folder)).not.toContain('none.html')
  })

  it('is written beside the report of diff, which keeps its verdict', () => {
    const { status, stdout, stderr } = run('diff', '--max-size', '100 B', '--page', 'diff.html', 'oci:one', 'oci:two')
    expect(status).toBe(1)
    expect(stdout).toContain('over')
    expect(stderr).toContain(`The page is ${join(folder, 'diff.html')}`)
    expect(imagesIn(readFileSync(join(folder, 'diff.html'), 'utf8'))).toMatchObject([{ size: 309 }])
  })
})
