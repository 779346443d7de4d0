import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  commitOfRecord,
  diffIdOfListing,
  folderOf,
  imageFolder,
  listingPath,
  monthOfPoints,
  olderPointsPath,
  platformOf,
  pointsPath,
  recordPath,
} from '../../src/record/paths.ts'
import { hostileString } from '../support/hostile.ts'

describe('an image’s folder', () => {
  it('has the image’s name and its platform, where they can be a folder’s', () => {
    expect(folderOf('shop', 'linux/amd64')).toBe('shop/linux-amd64')
    expect(folderOf('Shop_2.worker', 'linux/arm64/v8')).toBe('Shop_2.worker/linux-arm64-v8')
  })

  it('has a hash of the name where the name itself cannot be one', () => {
    // printf %s shop/services/api | sha256sum
    expect(folderOf('shop/services/api', 'linux/amd64')).toBe('shop-services-api-83540872/linux-amd64')
    expect(imageFolder('')).toBe('unnamed-e3b0c442')
    expect(imageFolder('.git')).toMatch(/^git-[0-9a-f]{8}$/)
    expect(imageFolder('Bäckerei: Öfen')).toMatch(/^B-ckerei-fen-[0-9a-f]{8}$/)
    expect(imageFolder('x'.repeat(300))).toMatch(/^x{60}-[0-9a-f]{8}$/)
  })

  it('is never the branch’s own README, nor one that another name’s hash makes', () => {
    expect(imageFolder('ReadMe.md')).toMatch(/^ReadMe\.md-[0-9a-f]{8}$/)
    const hashed = imageFolder('shop/api')
    expect(imageFolder(hashed)).not.toBe(hashed)
  })

  const name = fc.oneof(
    fc.constantFrom(
      '..',
      '.',
      '.git',
      '.GIT',
      'git~1',
      '',
      'a/b',
      'a-b',
      'A',
      'a',
      'a.',
      '-a',
      '--a',
      'CON',
      'a\\b',
      '~',
    ),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: fc.constantFrom('a', 'B', '-', '.', '/', ':', '~'), maxLength: 130 }),
    fc.stringMatching(/^[a-c]{0,3}-[0-9a-f]{8}$/),
    hostileString.map((text) => text.toWellFormed()),
  )
  const platform = fc.oneof(
    fc.constantFrom('linux/amd64', 'linux/arm/v7', 'linux/arm-v7', 'linux-arm/v7', '//', '../..', ''),
    fc.string({ unit: fc.constantFrom('a', '-', '.', '/'), maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 100 }),
  )

  it('is two plain folders, whatever the names', () => {
    fc.assert(
      fc.property(name, platform, (image, on) => {
        const parts = folderOf(image, on).split('/')
        expect(parts).toHaveLength(2)
        for (const part of parts) expect(part).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
      }),
    )
  })

  it('is one image’s on one platform', () => {
    fc.assert(
      fc.property(name, platform, name, platform, (image, on, otherImage, otherOn) => {
        const isSame = image === otherImage && on === otherOn
        expect(folderOf(image, on) === folderOf(otherImage, otherOn)).toBe(isSame)
      }),
      { numRuns: 2_000 },
    )
    const names = fc.sample(name, 1_000)
    expect(new Set(names.map(imageFolder)).size).toBe(new Set(names).size)
  })

  it('tells the platform again, where its name is not a hash’s', () => {
    expect(platformOf('linux-arm64-v8')).toBe('linux/arm64/v8')
    expect(platformOf('linux')).toBeNull()
    expect(platformOf('linux-amd64-1-2')).toBeNull()
    fc.assert(
      fc.property(platform, (on) => {
        const [, folder = ''] = folderOf('shop', on).split('/')
        expect([on, null]).toContain(platformOf(folder))
      }),
    )
  })
})

describe('a file', () => {
  const commit = 'a1b2c3d4e5'.repeat(4)
  const hex = '0123456789abcdef'.repeat(4)

  it('stands where the branch’s README says', () => {
    expect(recordPath('shop/linux-amd64', commit)).toBe(`shop/linux-amd64/records/${commit}.json`)
    expect(listingPath('shop/linux-amd64', `sha256:${hex}`)).toBe(`shop/linux-amd64/layers/${hex}.json.gz`)
    expect(pointsPath('shop/linux-amd64', '2026-11')).toBe('shop/linux-amd64/points/2026-11.jsonl')
    expect(olderPointsPath('shop/linux-amd64')).toBe('shop/linux-amd64/points/older.jsonl')
  })

  it('is known by its name, and others are left alone', () => {
    expect(
      [`${commit}.json`, `${hex}.json`, `${commit.slice(1)}.json`, `${commit}.json.bak`, '..'].map(commitOfRecord),
    ).toEqual([commit, hex, null, null, null])
    expect([`${hex}.json.gz`, `${hex}.json`, `x${hex}.json.gz`].map(diffIdOfListing)).toEqual([
      `sha256:${hex}`,
      null,
      null,
    ])
    expect(['2026-11.jsonl', '2026-13.jsonl', 'older.jsonl', '../2026-11.jsonl'].map(monthOfPoints)).toEqual([
      '2026-11',
      null,
      null,
      null,
    ])
  })
})
