import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { blobId } from '../../src/github/objects.ts'

describe('the id of a file', () => {
  it.each(['sha1', 'sha256'])("is git's own (%s)", (format) => {
    const folder = mkdtempSync(join(tmpdir(), 'objects-'))
    const git = (input: string | Buffer, ...args: string[]): string =>
      execFileSync('git', args, { cwd: folder, input, encoding: 'utf8' }).trim()
    git('', 'init', '--quiet', `--object-format=${format}`)
    for (const content of ['', 'a\n', 'ä\r\n\0', Buffer.from([0, 255, 254])]) {
      const id = git(content, 'hash-object', '--stdin', '--no-filters')
      expect(blobId(content, id.length)).toBe(id)
    }
    rmSync(folder, { recursive: true })
  })
})
