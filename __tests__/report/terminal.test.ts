import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { displayWidth } from '../../src/report/characters.ts'
import { renderTerminal } from '../../src/report/terminal.ts'
import { hostileReport } from '../support/hostile.ts'
import { STATES, overImage, report } from '../support/reports.ts'

const over = report({ images: [overImage()] })

describe('renderTerminal', () => {
  it('aligns the figures', () => {
    const lines = renderTerminal(over, { colour: false, width: 100 }).split('\n')
    expect(lines.slice(2, 7)).toEqual([
      '            main a1b2c3d  this change d4e5f6a              change  budget',
      '  Size          148.2 MB             163.9 MB  +15.7 MB (+10.6 %)  160 MB  ✗ over by 3.9 MB',
      '  Download       51.0 MB              56.4 MB   +5.4 MB (+10.6 %)',
      '  Layers               9                   10                  +1      12  ✓ within',
      '  Growth                                                 +15.7 MB   +5 MB  ✗ over by 10.7 MB',
    ])
  })

  it('aligns wide characters by the columns they take', () => {
    const images = [overImage({ name: '宽宽' }), overImage({ name: 'api' })]
    const lines = renderTerminal(report({ images }), { colour: false, width: 200 }).split('\n')
    const rows = lines.filter((line) => line.includes('148.2 MB') && line.includes('✗') && !line.includes('Size'))
    const [wide = '', narrow = ''] = rows
    expect(displayWidth(wide.slice(0, wide.indexOf('148.2')))).toBe(narrow.indexOf('148.2'))
  })

  it.each(Object.keys(STATES))('stays within the width, however narrow: %s', (state) => {
    for (const width of [40, 60, 80, 120]) {
      const lines = renderTerminal(STATES[state] ?? over, { colour: false, width }).split('\n')
      // An address is copied, not read: it is cut only where a line has no room for it.
      expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
    }
  })

  it('shortens long instructions and paths in the middle, and no figure', () => {
    const instruction = `RUN apt-get update && apt-get install -y ${'package-with-a-name '.repeat(12)}&& rm -rf /var/lib/apt/lists/*`
    const image = overImage()
    image.layerChanges.find(({ line }) => line === 14)!.instruction = instruction
    const long = report({ images: [image] })
    for (const width of [40, 60, 80, 120]) {
      const said = renderTerminal(long, { colour: false, width }).replaceAll(/\s+/g, ' ')
      expect(said).toMatch(/Dockerfile:14 RUN apt-get.*\.\.\..*lists\/\* \+12\.3 MB/)
    }
    // Who reads a file or a pipe has all of it.
    const whole = renderTerminal(long, { colour: false, width: 100, isWhole: true })
    expect(whole.replaceAll(/\s+/g, ' ')).toContain(instruction)
  })

  it.each([40, 80, 120])('shows in %i columns what of a long instruction is another', (width) => {
    const said = (before: string, now: string): string => {
      const image = overImage()
      const layer = image.layerChanges.find(({ line }) => line === 14)!
      Object.assign(layer, { instruction: now, instructionBefore: before, change: 'changed' })
      const text = renderTerminal(report({ images: [image] }), { colour: false, width }).replaceAll(/\s+/g, ' ')
      return text.slice(text.indexOf('; was '), text.indexOf('Dockerfile', text.indexOf('; was ')))
    }
    const start = `RUN apt-get update && apt-get install -y ${'bash '.repeat(30)}`
    const end = `${'curl '.repeat(20)}&& rm -rf /var/lib/apt/lists/*`
    const edited = said(`${start}git ${end}`, `${start}vim ${end}`)
    expect(edited).toMatch(/^; was ….*bash git .*\.\.\..*lists\/\*, is ….*bash vim .*lists\/\*/)
    // What is seen anyway is not said again.
    expect(said(`${start}${end}`, `${start}${end} x`)).not.toContain(', is ')
    expect(said(`RUN a ${end}`, `RUN b ${end}`)).toMatch(/^; was RUN a curl.*lists\/\*/)
    expect(said('RUN npm ci --omit=dev', 'RUN npm ci')).toContain('; was RUN npm ci --omit=dev')
  })

  it('says nothing twice of an instruction in a file', () => {
    const image = overImage()
    const layer = image.layerChanges.find(({ line }) => line === 14)!
    const start = `RUN ${'package '.repeat(40)}`
    Object.assign(layer, { instruction: `${start}new`, instructionBefore: `${start}old`, change: 'changed' })
    const whole = renderTerminal(report({ images: [image] }), { colour: false, width: 80, isWhole: true })
    expect(whole.replaceAll(/\s+/g, ' ')).toContain(`; was ${start}old`)
  })

  it('shortens the names of many images where the table has no room, and cuts nothing in a file', () => {
    const name = 'registry.example/team/a-service-with-a-very-long-name-indeed/worker'
    const images = [overImage({ name }), overImage({ name: 'api' })]
    const lines = renderTerminal(report({ images }), { colour: false, width: 100 }).split('\n')
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {2}regist\S*\.\.\.\S*worker +148\.2 MB +163\.9 MB .*✗ over by 3\.9 MB$/),
    )
    const whole = renderTerminal(report({ images }), { colour: false, width: 60, isWhole: true }).split('\n')
    expect(whole).toContainEqual(
      expect.stringMatching(/^ {2}registry\S*worker +148\.2 MB +163\.9 MB .*✗ over by 3\.9 MB$/),
    )
  })

  it('says all of it on a narrow terminal', () => {
    const words = renderTerminal(over, { colour: false, width: 40 }).replaceAll(/\s+/g, ' ')
    for (const said of ['148.2 MB', '163.9 MB', '+15.7 MB', '160 MB', '✗ over by 3.9 MB', '✓ within', '+5 MB']) {
      expect(words).toContain(said)
    }
  })

  it('proposes lower caps, also of images that are not told of otherwise', () => {
    const lines = (state: string): string => renderTerminal(STATES[state] ?? over, { colour: false, width: 120 })
    expect(lines('ratchet')).toContain(
      'The budgets could go down to 170 MB and 57 MB: `max-size: 170 MB`, `max-download-size: 57 MB`.\n',
    )
    expect(lines('ratchet-images')).toContain(
      '\napi (linux/amd64): The budget could go down to 170 MB: `max-size: 170 MB`.\n',
    )
  })

  it('writes colours only when told', () => {
    expect(renderTerminal(over, { colour: false, width: 80 })).not.toContain('\u001B')
    expect(renderTerminal(over, { colour: true, width: 80 })).toContain('\u001B[31m✗ over by 3.9 MB\u001B[0m')
  })

  it('says the same with colours as without', () => {
    for (const state of Object.values(STATES)) {
      const coloured = renderTerminal(state, { colour: true, width: 80 })
      // eslint-disable-next-line no-control-regex -- what is looked for is a control sequence
      expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(renderTerminal(state, { colour: false, width: 80 }))
    }
  })

  it('lets no control character of a pull request through, and stays within the width', () => {
    fc.assert(
      fc.property(hostileReport, fc.integer({ min: 40, max: 160 }), (hostile, width) => {
        const lines = renderTerminal(hostile, { colour: false, width }).split('\n')
        expect(lines.filter((line) => /[\p{Cc}\p{Bidi_Control}]/u.test(line))).toEqual([])
        expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
