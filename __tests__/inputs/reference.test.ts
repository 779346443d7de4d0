import { describe, expect, it } from '@jest/globals'
import { nameOfReference } from '../../src/inputs/name.ts'
import { parseReference } from '../../src/inputs/reference.ts'

const HEX = 'a'.repeat(64)

describe('a reference to an image in a registry', () => {
  it.each([
    ['docker://node', 'docker.io', 'library/node', 'latest', null],
    ['docker://node:24-slim', 'docker.io', 'library/node', '24-slim', null],
    ['docker://docker.io/node', 'docker.io', 'library/node', 'latest', null],
    ['docker://index.docker.io/node', 'docker.io', 'library/node', 'latest', null],
    ['docker://acme/api', 'docker.io', 'acme/api', 'latest', null],
    ['docker://ghcr.io/acme/api:1.1', 'ghcr.io', 'acme/api', '1.1', null],
    ['docker://localhost/api', 'localhost', 'api', 'latest', null],
    ['docker://localhost:5000/a/b/c:v1_2', 'localhost:5000', 'a/b/c', 'v1_2', null],
    ['docker://[::1]:5000/api', '[::1]:5000', 'api', 'latest', null],
    ['docker://10.0.0.1:443/api', '10.0.0.1:443', 'api', 'latest', null],
    [`docker://ghcr.io/acme/api@sha256:${HEX}`, 'ghcr.io', 'acme/api', null, `sha256:${HEX}`],
    [`docker://ghcr.io/acme/api:1@sha256:${HEX}`, 'ghcr.io', 'acme/api', null, `sha256:${HEX}`],
  ])('is read: %s', (text, registry, repository, tag, digest) => {
    expect(parseReference(text)).toEqual({ text, transport: 'docker', registry, repository, tag, digest })
  })
})

describe('a reference to an image elsewhere', () => {
  it.each([
    ['docker-daemon:api', { transport: 'docker-daemon', name: 'api:latest' }],
    [`docker-daemon:api@sha256:${HEX}`, { transport: 'docker-daemon', name: `api@sha256:${HEX}` }],
    ['docker-daemon:localhost:5000/acme/api:1', { transport: 'docker-daemon', name: 'localhost:5000/acme/api:1' }],
    [`docker-daemon:sha256:${HEX}`, { transport: 'docker-daemon', name: `sha256:${HEX}` }],
    ['docker-archive:out/api.tar', { transport: 'docker-archive', path: 'out/api.tar', name: null }],
    ['docker-archive:api.tar:acme/api:1', { transport: 'docker-archive', path: 'api.tar', name: 'acme/api:1' }],
    ['docker-archive:api.tar:@1', { transport: 'docker-archive', path: 'api.tar', name: '@1' }],
    ['oci:../layout', { transport: 'oci', path: '../layout', name: null }],
    ['oci:/a layout:v1', { transport: 'oci', path: '/a layout', name: 'v1' }],
    ['oci-archive:C:\\images\\api.tar', { transport: 'oci-archive', path: 'C:\\images\\api.tar', name: null }],
    ['oci-archive:C:/api.tar:v1', { transport: 'oci-archive', path: 'C:/api.tar', name: 'v1' }],
  ])('is read: %s', (text, expected) => {
    expect(parseReference(text)).toEqual({ text, ...expected })
  })
})

describe('what is no reference', () => {
  it.each([
    '',
    'node',
    'node:24',
    'docker:node',
    'docker://',
    'docker:///node',
    'docker://API',
    'docker://a//b',
    'docker://a b',
    'docker://a:',
    'docker://a:-x',
    `docker://a:${'t'.repeat(129)}`,
    'docker://a@sha256:abc',
    `docker://a@sha512:${'a'.repeat(128)}`,
    `docker://a/${'b'.repeat(260)}`,
    'docker://user:secret@ghcr.io/acme/api',
    'docker-daemon:',
    'docker-daemon:--help',
    'docker-daemon:-x',
    'docker-archive:',
    'docker-archive::name',
    'oci:a\u0000b',
    'oci:a\nb',
    'https://ghcr.io/acme/api',
    'containers-storage:api',
  ])('%j', (text) => {
    expect(parseReference(text)).toBeNull()
  })

  it('is found to be none however it is made (backtracking would not end)', () => {
    for (const text of ['a-'.repeat(2000), 'a.'.repeat(2000), 'a/'.repeat(2000), `${'a_'.repeat(2000)}:`]) {
      expect(parseReference(`docker://${text}!`)).toBeNull()
    }
  })
})

describe('nameOfReference', () => {
  it.each([
    ['docker://node:24', 'node'],
    ['docker://ghcr.io/acme/api:1.1', 'acme/api'],
    [`docker://ghcr.io/acme/api@sha256:${HEX}`, 'acme/api'],
    ['docker-daemon:api:1.0', 'api'],
    ['docker-daemon:localhost:5000/acme/api', 'localhost:5000/acme/api'],
    [`docker-daemon:sha256:${HEX}`, 'sha256:aaaaaaaaaaaa'],
    ['docker-archive:out/api.tar', 'api'],
    ['oci-archive:out/api.tar.gz:v1', 'api'],
    ['oci:build/layout/', 'layout'],
  ])('of %s is %s: the same for every version', (text, name) => {
    expect(nameOfReference(parseReference(text)!)).toBe(name)
  })
})
