import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { alignLayers, type LayerPair } from '../../src/compare/align.ts'
import type { Layer } from '../../src/image/measurement.ts'
import { aBaseLayer, aLayer, aLayerOfUnknownOrigin, digest } from '../support/measurements.ts'

const emptyTar = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

/** The alignment as text: instruction and, after `=` for equal content and `~` for other content, the partner's. */
function rows(base: Layer[], head: Layer[]): string[] {
  return alignLayers(base, head).map((row) => {
    if (!row.base) return `+ ${row.head.instruction}`
    if (!row.head) return `- ${row.base.instruction}`
    return `${row.base.instruction} ${row.base.diffId === row.head.diffId ? '=' : '~'} ${row.head.instruction}`
  })
}

/** The same instruction, built into other content. */
function rebuilt(instruction: string): Layer {
  return aLayer(instruction, { diffId: digest(`again: ${instruction}`) })
}

/** 1,000 layers, each with content of its own and sixty words most of which all have. */
function manyLayers(side: string): Layer[] {
  return Array.from({ length: 1000 }, (_, index) => {
    const words = Array.from({ length: 60 }, (__, word) => `${word % 7 === 0 ? side : 'package'}${word}-${index % 9}`)
    return aLayer(`RUN ${words.join(' ')}`, { diffId: digest(side + index) })
  })
}

describe('alignLayers', () => {
  it('does not shift the rest where a layer is inserted, though everything above it was built again', () => {
    const base = [aLayer('WORKDIR /app'), aLayer('RUN npm ci'), aLayer('RUN npm run build'), aLayer('COPY . .')]
    const head = [
      aLayer('WORKDIR /app'),
      aLayer('RUN apt-get install -y git'),
      rebuilt('RUN npm ci'),
      rebuilt('RUN npm run build'),
      rebuilt('COPY . .'),
    ]
    expect(rows(base, head)).toEqual([
      'WORKDIR /app = WORKDIR /app',
      '+ RUN apt-get install -y git',
      'RUN npm ci ~ RUN npm ci',
      'RUN npm run build ~ RUN npm run build',
      'COPY . . ~ COPY . .',
    ])
  })

  it('pairs an edited instruction with what it was, not with its neighbours', () => {
    const base = [aLayer('RUN apt-get update'), aLayer('RUN npm ci'), aLayer('RUN npm run build')]
    const head = [aLayer('RUN apt-get update'), aLayer('RUN corepack enable'), aLayer('RUN npm ci --omit=dev')]
    expect(rows(base, head)).toEqual([
      'RUN apt-get update = RUN apt-get update',
      '+ RUN corepack enable',
      'RUN npm ci ~ RUN npm ci --omit=dev',
      '- RUN npm run build',
    ])
  })

  it('pairs an instruction that was replaced in its place, however little of it is left', () => {
    expect(rows([aLayer('COPY . .'), aLayer('RUN x')], [aLayer('COPY dist /srv'), aLayer('RUN x')])).toEqual([
      'COPY . . ~ COPY dist /srv',
      'RUN x = RUN x',
    ])
  })

  it('never pairs unlike instructions of other content, nor base layers with own ones', () => {
    expect(rows([aLayer('RUN cp a b')], [aLayer('COPY a b')])).toEqual(['- RUN cp a b', '+ COPY a b'])
    expect(rows([aBaseLayer('COPY a b')], [aLayer('COPY a b')])).toEqual(['- COPY a b', '+ COPY a b'])
  })

  it('pairs a layer of unknown origin with base layers and own ones alike', () => {
    const known = [aBaseLayer('ADD rootfs.tar /'), aLayer('RUN npm ci')]
    const unknown = [aLayerOfUnknownOrigin('ADD rootfs.tar /'), aLayerOfUnknownOrigin('RUN npm ci')]
    const paired = ['ADD rootfs.tar / = ADD rootfs.tar /', 'RUN npm ci = RUN npm ci']
    expect(rows(known, unknown)).toEqual(paired)
    expect(rows(unknown, known)).toEqual(paired)
    expect(rows([aLayerOfUnknownOrigin('COPY a b')], [rebuilt('COPY a b')])).toEqual(['COPY a b ~ COPY a b'])
  })

  it('knows the same content again under another keyword', () => {
    const diffId = digest('the file')
    expect(rows([aLayer('COPY a /', { diffId })], [aLayer('ADD a /', { diffId })])).toEqual(['COPY a / = ADD a /'])
  })

  it('puts equal content before equal text', () => {
    const base = [aLayer('COPY a /', { diffId: digest('1') }), aLayer('COPY a /', { diffId: digest('2') })]
    const head = [aLayer('COPY a /', { diffId: digest('2') }), aLayer('COPY a /', { diffId: digest('3') })]
    expect(rows(base, head)).toEqual(['- COPY a /', 'COPY a / = COPY a /', '+ COPY a /'])
  })

  it('tells duplicates of one layer apart by their instructions', () => {
    const diffId = digest('the file')
    const base = [aLayer('COPY f /a', { diffId }), aLayer('COPY f /b', { diffId }), aLayer('COPY f /c', { diffId })]
    expect(rows(base, base.slice(1))).toEqual(['- COPY f /a', 'COPY f /b = COPY f /b', 'COPY f /c = COPY f /c'])
  })

  it('pairs repeated instructions from below and leaves the surplus on top', () => {
    const base = [aLayer('RUN make'), aLayer('RUN make')]
    const head = [rebuilt('RUN make'), rebuilt('RUN make'), rebuilt('RUN make')]
    expect(rows(base, head)).toEqual(['RUN make ~ RUN make', 'RUN make ~ RUN make', '+ RUN make'])
  })

  it('takes empty layers of other instructions for no evidence', () => {
    const base = [aLayer('RUN true', { diffId: emptyTar }), aLayer('RUN npm ci')]
    const head = [rebuilt('RUN npm ci'), aLayer('RUN rm -f none', { diffId: emptyTar })]
    expect(rows(base, head)).toEqual(['- RUN true', 'RUN npm ci ~ RUN npm ci', '+ RUN rm -f none'])
  })

  it('aligns the layers of a moved base image among themselves', () => {
    const base = [aBaseLayer('# debian.sh 12.1'), aBaseLayer('RUN install node 24.1.0'), aLayer('RUN npm ci')]
    const head = [
      aBaseLayer('# debian.sh 12.2'),
      aBaseLayer('RUN apt-get install ca-certificates'),
      aBaseLayer('RUN install node 24.2.0'),
      rebuilt('RUN npm ci'),
    ]
    expect(rows(base, head)).toEqual([
      '# debian.sh 12.1 ~ # debian.sh 12.2',
      '+ RUN apt-get install ca-certificates',
      'RUN install node 24.1.0 ~ RUN install node 24.2.0',
      'RUN npm ci ~ RUN npm ci',
    ])
  })

  it('has nothing to say of two images without layers', () => {
    expect(alignLayers([], [])).toEqual([])
  })

  it('aligns 1,000 long instructions a side without a shared one within seconds', () => {
    expect(alignLayers(manyLayers('a'), manyLayers('b')).length).toBe(1000)
  }, 10_000)
})

const instruction = fc.constantFrom(
  'RUN npm ci',
  'RUN npm ci --omit=dev',
  'RUN make',
  'COPY . .',
  'COPY dist /srv',
  'ADD a.tar /',
  'WORKDIR /app',
  '# debian.sh',
  '',
)
const diffId = fc.constantFrom(emptyTar, digest('1'), digest('2'), digest('3'), digest('4'))
const layer = fc
  .record({ instruction, diffId, fromBase: fc.boolean() })
  .map(({ instruction: text, ...overrides }) => aLayer(text, overrides))
const image = fc
  .tuple(fc.array(layer, { maxLength: 9 }), fc.boolean())
  .map(([layers, known]) =>
    known
      ? layers.toSorted((left, right) => Number(right.fromBase) - Number(left.fromBase))
      : layers.map((each) => ({ ...each, fromBase: null })),
  )

function keyword({ instruction: text }: Layer): string {
  return /^[A-Z]+/.exec(text)?.[0] ?? ''
}

function isUnchanged(row: LayerPair): boolean {
  return row.base?.diffId === row.head?.diffId
}

function sameText(row: LayerPair): boolean {
  return row.base?.instruction === row.head?.instruction
}

/** The same content and known by it: the empty layer counts only with the same text. */
function sameContent(row: LayerPair): boolean {
  return isUnchanged(row) && (sameText(row) || row.base?.diffId !== emptyTar)
}

describe('alignLayers, of any two images', () => {
  it('has every layer once and keeps the order of both sides', () => {
    fc.assert(
      fc.property(image, image, (base, head) => {
        const aligned = alignLayers(base, head)
        expect(aligned.flatMap((row) => row.base ?? [])).toEqual(base)
        expect(aligned.flatMap((row) => row.head ?? [])).toEqual(head)
        expect(aligned.every((row) => row.base !== null || row.head !== null)).toBe(true)
      }),
    )
  })

  it('pairs own with own and base with base where both are known, and unlike keywords only as the same content', () => {
    fc.assert(
      fc.property(image, image, (base, head) => {
        for (const { base: left, head: right } of alignLayers(base, head)) {
          if (!left || !right) continue
          if (left.fromBase !== null && right.fromBase !== null) expect(left.fromBase).toBe(right.fromBase)
          expect(keyword(left) === keyword(right) || left.diffId === right.diffId).toBe(true)
        }
      }),
    )
  })

  it('finds an image unchanged against itself', () => {
    fc.assert(
      fc.property(image, (layers) => {
        const aligned = alignLayers(layers, layers)
        expect(aligned.length).toBe(layers.length)
        expect(aligned.every(isUnchanged)).toBe(true)
      }),
    )
  })

  it('finds as many layers of the same content, and as many of the same text, from either side', () => {
    fc.assert(
      fc.property(image, image, (left, right) => {
        const there = alignLayers(left, right)
        const back = alignLayers(right, left)
        expect(there.filter(sameContent).length).toBe(back.filter(sameContent).length)
        expect(there.filter(sameText).length).toBe(back.filter(sameText).length)
      }),
    )
  })

  it('finds one inserted layer added, whatever and wherever it is, and the rest unchanged', () => {
    fc.assert(
      fc.property(image, layer, fc.nat(), (base, inserted, place) => {
        const head = base.toSpliced(place % (base.length + 1), 0, inserted)
        const aligned = alignLayers(base, head)
        expect(aligned.filter((row) => row.base === null).length).toBe(1)
        expect(aligned.filter((row) => row.base !== null).every(isUnchanged)).toBe(true)
      }),
    )
  })
})
