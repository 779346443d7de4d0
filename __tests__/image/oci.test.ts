import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import {
  imageConfig,
  imagesOf,
  index,
  layerHistory,
  manifest,
  plainInstruction,
  platformName,
} from '../../src/image/oci.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`

describe('plainInstruction', () => {
  it.each([
    // BuildKit
    ['RUN /bin/sh -c npm ci # buildkit', 'RUN npm ci'],
    ['RUN /bin/bash -o pipefail -c npm ci # buildkit', 'RUN npm ci'],
    ['RUN /bin/bash -ec npm ci # buildkit', 'RUN npm ci'],
    ['RUN |1 WHO=me /bin/sh -c echo     "$WHO" > /who # buildkit', 'RUN echo "$WHO" > /who'],
    ['RUN |2 A=1 B=x y /bin/sh -c make # buildkit', 'RUN make'],
    ['COPY a.txt /linked/a # buildkit', 'COPY a.txt /linked/a'],
    ['COPY <<SETTINGS <<OTHER /etc/app/ # buildkit', 'COPY <<SETTINGS <<OTHER /etc/app/'],
    ['WORKDIR /app', 'WORKDIR /app'],
    ['RUN /bin/sh -c set -e\necho one\n # buildkit', 'RUN set -e echo one'],
    ['RUN npm ci # buildkit', 'RUN npm ci'],
    // The classic builder
    ['/bin/sh -c #(nop) ADD file:1be3e19a19e9be in / ', 'ADD file:1be3e19a19e9be in /'],
    ['/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'],
    ['/bin/sh -c apt-get update', 'RUN apt-get update'],
    ['|1 VERSION=1 /bin/sh -c make VERSION=$VERSION', 'RUN make VERSION=$VERSION'],
    // Other builders
    ["# debian.sh --arch 'amd64' out/ 'bookworm'", "# debian.sh --arch 'amd64' out/ 'bookworm'"],
    ['bazel build ...', 'bazel build ...'],
    ['', ''],
  ])('of %j is %j', (createdBy, plain) => {
    expect(plainInstruction(createdBy)).toBe(plain)
  })

  it('is one line of bounded length', () => {
    const plain = plainInstruction(`RUN /bin/sh -c ${'a\n\t'.repeat(5_000)}`)
    expect(plain).toBe(`RUN ${'a '.repeat(498)}`.trim())
  })

  it.each([
    ['RUN |1 TOKEN=hunter2 /bin/sh -c make # buildkit'],
    ['RUN |1 TOKEN=hunter2 /bin/bash -o pipefail -c make # buildkit'],
    ['RUN |1 TOKEN=hunter2 make # buildkit'],
    ['RUN |1 TOKEN=a\nhunter2\n /bin/sh -c make # buildkit'],
    ['RUN |1 TOKEN=/bin/sh -c hunter2 /bin/sh -c make # buildkit'],
    ['RUN |2 A=1 TOKEN=/bin/bash -ec hunter2 /bin/bash -ec make # buildkit'],
    ['|2 A=/bin/sh -c x TOKEN=hunter2 /bin/sh -c make'],
    ['|1 TOKEN=hunter2 powershell -Command make'],
    ['RUN |12 TOKEN=hunter2 ["make"]'],
    ['  RUN |1 TOKEN=hunter2 /bin/sh -c make'],
    ['ONBUILD RUN |1 TOKEN=hunter2 /bin/sh -c make'],
  ])('shows no value of a build argument: %j', (createdBy) => {
    expect(plainInstruction(createdBy)).not.toContain('hunter2')
  })

  it('shows no value of a build argument, whatever it holds', () => {
    const value = fc
      .stringMatching(/^[ \na-c/$|#=]*$/)
      .chain((text) => fc.constantFrom(text, `${text} /bin/sh -c ${text}`, `/bin/bash -o pipefail -c ${text}`))
    const shell = fc.constantFrom(
      '/bin/sh -c ',
      '/bin/bash -ec ',
      '/bin/bash -o pipefail -c ',
      '/bin/bash -eux -o pipefail -c ',
    )
    fc.assert(
      fc.property(value, value, shell, fc.constantFrom('RUN ', ''), (before, after, used, run) => {
        const createdBy = `${run}|2 A=${before} B=${before}hunter2${after} ${used}make all${run && ' # buildkit'}`
        expect(plainInstruction(createdBy)).toBe('RUN make all')
      }),
    )
  })

  it('never takes long', () => {
    expect(plainInstruction(`|1 A=${'/bin/sh -c'.repeat(50_000)}`)).toBe('RUN …')
    expect(plainInstruction(`a${' '.repeat(100_000)}x`)).toBe('a x')
  })
})

describe('platformName', () => {
  it.each([
    [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64'],
    [{ os: 'linux', architecture: 'arm', variant: 'v7' }, 'linux/arm/v7'],
    [{ os: 'linux', architecture: 'amd64', variant: '' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'amd64', variant: 'v3' }, 'linux/amd64/v3'],
  ])('of %j is %s', (platform, name) => {
    expect(platformName(platform)).toBe(name)
  })
})

describe('imagesOf', () => {
  it('leaves out attestations, and keeps images without a platform', () => {
    const attestation = {
      digest: digest('b'),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest('a') },
    }
    const manifests = [
      { digest: digest('a'), platform: { os: 'linux', architecture: 'amd64' } },
      attestation,
      { digest: digest('c') },
      { digest: digest('d'), annotations: attestation.annotations },
      { digest: digest('e'), platform: attestation.platform },
    ]
    expect(imagesOf(index.parse({ manifests })).map((image) => image.digest)).toEqual([digest('a'), digest('c')])
  })
})

const historyOf = (history: unknown, layers: number): string[] | null =>
  layerHistory(
    imageConfig.parse({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { diff_ids: Array.from({ length: layers }, () => digest('a')) },
      history,
    }),
  )

describe('layerHistory', () => {
  it('gives the text of each layer, without the entries that made none', () => {
    const history = [
      { created_by: 'ADD' },
      { created_by: 'ENV', empty_layer: true },
      {},
      { created_by: 'RUN', empty_layer: false },
    ]
    expect(historyOf(history, 3)).toEqual(['ADD', '', 'RUN'])
  })

  it('gives none where the history does not account for the layers', () => {
    expect([
      historyOf([{ created_by: 'ADD' }], 2),
      historyOf([{}, {}], 1),
      historyOf(null, 1),
      historyOf(undefined, 1),
    ]).toEqual([null, null, null, null])
  })

  it('gives no text for an image without layers', () => {
    expect([historyOf(null, 0), historyOf([{ empty_layer: true }], 0)]).toEqual([[], []])
    expect(layerHistory(imageConfig.parse({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: null } }))).toEqual(
      [],
    )
  })
})

describe('a manifest', () => {
  const config = { digest: digest('a'), size: 10 }

  it.each([
    ['a negative size', { config, layers: [{ digest: digest('b'), size: -1 }] }],
    ['half a byte', { config, layers: [{ digest: digest('b'), size: 1.5 }] }],
    ['a digest of another kind', { config, layers: [{ digest: 'md5:abc', size: 1 }] }],
    ['a number too large to count with', { config, layers: [{ digest: digest('b'), size: 2 ** 60 }] }],
  ])('may not have %s', (_, value) => {
    expect(manifest.safeParse(value).success).toBe(false)
  })
})

describe('an index', () => {
  it('may not have a digest that is an option', () => {
    expect(index.safeParse({ manifests: [{ digest: '--builder=x' }] }).success).toBe(false)
  })
})
