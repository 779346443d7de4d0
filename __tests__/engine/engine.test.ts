import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { BASE_IMAGE, docker, everyEngine } from '../support/engine.ts'
import type { Engine } from '../support/engine.ts'
import { createRepository, type TestRepository } from '../support/repository.ts'

const repositories: TestRepository[] = []
afterEach(() => repositories.splice(0).forEach(({ dispose }) => dispose()))

function repository(): TestRepository {
  const created = createRepository()
  repositories.push(created)
  return created
}

function layerCount(engine: Engine, image: string): number {
  return Number(docker(engine, 'image', 'inspect', '--format', '{{len .RootFS.Layers}}', image))
}

describe.each(everyEngine())('the $name engine', (engine) => {
  const major = /-(\d+)$/.exec(engine.name)?.[1]
  if (major !== undefined) {
    it('is the Docker that it is named for', () => {
      expect(docker(engine, 'version', '--format', '{{.Server.Version}}').split('.')[0]).toBe(major)
    })
  }

  it('has the store that it is started for', () => {
    const driver = docker(engine, 'info', '--format', '{{json .DriverStatus}}')
    expect(driver.includes('io.containerd.snapshotter.v1')).toBe(engine.store === 'containerd')
  })

  it('builds a RUN step on the base image with buildx', () => {
    const { dir, commit } = repository()
    commit(
      { Dockerfile: `FROM ${BASE_IMAGE}\nRUN head -c 5000 /dev/zero > /five\nCOPY note /note\n`, note: 'hello' },
      'base',
    )
    // By name, for the id that buildx prints is not always the one by which a containerd store knows the image.
    const image = `image-budget/test:${randomUUID()}`
    docker(engine, 'buildx', 'build', '--quiet', '--load', '--tag', image, dir)
    try {
      expect(docker(engine, 'run', '--rm', image, 'sh', '-c', 'wc -c < /five; cat /note')).toBe('5000\nhello')
      expect(layerCount(engine, image) - layerCount(engine, BASE_IMAGE)).toBe(2)
    } finally {
      docker(engine, 'image', 'rm', '--force', image)
    }
  })
})

describe('createRepository', () => {
  it('makes the same commits every time', () => {
    const [one, two] = [repository(), repository()].map(({ commit, git }) => {
      const base = commit({ 'a.txt': 'a', 'bin/run': '#!/bin/sh\n' }, 'base')
      git('switch', '--quiet', '--create', 'change')
      return [base, commit({ 'a.txt': null, 'b/c.txt': 'c' }, 'change')]
    })
    expect(one).toEqual(two)
  })

  it('adds, changes and removes files and leaves a clean tree', () => {
    const { commit, git } = repository()
    commit({ 'a.txt': 'a', 'bin/run': '#!/bin/sh\n' }, 'base')
    commit({ 'a.txt': null, 'b/c.txt': 'c' }, 'change')
    expect(git('ls-tree', '-r', '--format=%(objectmode) %(path)', 'HEAD').split('\n')).toEqual([
      '100644 b/c.txt',
      '100755 bin/run',
    ])
    expect(git('status', '--porcelain')).toBe('')
  })
})
