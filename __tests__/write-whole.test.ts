import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { writeWhole } from '../src/write-whole.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-budget-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('replaces what was there, and makes the folders above', async () => {
  const path = join(folder, 'a/b/page.html')
  await writeWhole(path, 'one')
  await writeWhole(path, 'two')
  expect(readFileSync(path, 'utf8')).toBe('two')
  expect(readdirSync(join(folder, 'a/b'))).toEqual(['page.html'])
})

it('leaves nothing where it cannot be written', async () => {
  writeFileSync(join(folder, 'file'), 'x')
  await expect(writeWhole(join(folder, 'file/page.html'), 'one')).rejects.toThrow()
  await expect(writeWhole(folder, 'one')).rejects.toThrow()
  expect(readdirSync(folder)).toEqual(['file'])
})

const proc = existsSync('/proc/self') ? it : it.skip
proc('ends where a folder cannot be made at all', async () => {
  await expect(writeWhole('/proc/image-budget/page.html', 'one')).rejects.toThrow('ENOENT')
})

it('writes into a pipe, which stays, and through no link to one', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const [text] = await Promise.all([readFile(pipe, 'utf8'), writeWhole(pipe, 'one')])
  expect(text).toBe('one')
  expect(lstatSync(pipe).isFIFO()).toBe(true)
  symlinkSync('pipe', join(folder, 'link'))
  await expect(writeWhole(join(folder, 'link'), 'one')).rejects.toThrow('is a link to what is no file')
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true)
})
