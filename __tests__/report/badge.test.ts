import { describe, expect, it } from '@jest/globals'
import Ajv from 'ajv'
import * as fc from 'fast-check'
import { badgeOf, renderBadgeSvg, renderEndpointJson, type BadgeFacts } from '../../src/report/badge.ts'
import { textWidth } from '../../src/report/svg.ts'
import { hostileString } from '../support/hostile.ts'
import { allIn, contrast, named, readXml, textIn } from '../support/svg.ts'

const facts: fc.Arbitrary<BadgeFacts> = fc.record({
  metric: fc.constantFrom('size', 'download-size', 'layers'),
  value: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  cap: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER })),
})

const THEMES = ['light', 'dark'] as const

describe('badgeOf', () => {
  it.each<[string, BadgeFacts, string, string]>([
    ['within', { metric: 'size', value: 148_200_000, cap: 160_000_000 }, 'brightgreen', '148.2 MB'],
    ['at 95 % of it', { metric: 'size', value: 152_000_000, cap: 160_000_000 }, 'brightgreen', '152.0 MB'],
    ['above 95 % of it', { metric: 'size', value: 152_000_001, cap: 160_000_000 }, 'orange', '152.0 MB'],
    ['all of it', { metric: 'layers', value: 12, cap: 12 }, 'orange', '12'],
    ['one byte over', { metric: 'download-size', value: 51_000_001, cap: 51_000_000 }, 'red', '51.0 MB'],
    ['over a budget of nothing', { metric: 'layers', value: 1, cap: 0 }, 'red', '1'],
    ['nothing of nothing', { metric: 'size', value: 0, cap: 0 }, 'brightgreen', '0 B'],
    ['no budget', { metric: 'layers', value: 9, cap: null }, 'blue', '9'],
  ])('%s', (_, of, colour, message) => {
    expect(badgeOf(of)).toMatchObject({ colour, message })
  })

  it('says in words what the colour says', () => {
    const words = ([value, cap]: [number, number | null]) => badgeOf({ metric: 'size', value, cap }).words
    expect(
      (
        [
          [148_200_000, null],
          [148_200_000, 160_000_000],
          [158_000_000, 160_000_000],
          [163_900_000, 160_000_000],
        ] as [number, number | null][]
      ).map(words),
    ).toEqual([
      'image size: 148.2 MB',
      'image size: 148.2 MB, within its budget of 160 MB',
      'image size: 158.0 MB, near its budget of 160 MB',
      'image size: 163.9 MB, over its budget of 160 MB',
    ])
  })
})

/**
 * The endpoint's schema as shields.io checks it (services/endpoint-common.js of badges/shields, and
 * https://shields.io/badges/endpoint-badge): strict, so that a property it does not know makes the badge "invalid".
 */
const ENDPOINT = {
  type: 'object',
  additionalProperties: false,
  required: ['schemaVersion', 'label', 'message'],
  properties: {
    schemaVersion: { const: 1 },
    label: { type: 'string' },
    message: { type: 'string', minLength: 1 },
    color: {
      // Its named colours (badge-maker/lib/color.js): another name would be drawn grey.
      enum: ['brightgreen', 'green', 'yellow', 'yellowgreen', 'orange', 'red', 'blue', 'grey', 'lightgrey'],
    },
    labelColor: { type: 'string' },
    isError: { type: 'boolean' },
    namedLogo: { type: 'string' },
    logoSvg: { type: 'string' },
    logoColor: { type: 'string' },
    logoSize: { type: 'string' },
    logoWidth: { type: 'number' },
    style: { type: 'string' },
    cacheSeconds: { type: 'integer', minimum: 0 },
  },
}

describe('renderEndpointJson', () => {
  it('is what shields.io takes', () => {
    const validate = new Ajv.Ajv().compile(ENDPOINT)
    fc.assert(
      fc.property(facts, (of) => {
        validate(JSON.parse(renderEndpointJson(badgeOf(of))))
        expect(validate.errors).toBeNull()
      }),
    )
  })

  it('has the figure as the comment has it', () => {
    expect(renderEndpointJson(badgeOf({ metric: 'size', value: 148_200_000, cap: 160_000_000 }))).toBe(
      '{"schemaVersion":1,"label":"image size","message":"148.2 MB","color":"brightgreen"}\n',
    )
  })
})

describe('renderBadgeSvg', () => {
  it('says in text, title and label what it shows', () => {
    const svg = readXml(renderBadgeSvg(badgeOf({ metric: 'size', value: 163_900_000, cap: 160_000_000 }), 'light'))
    const words = 'image size: 163.9 MB, over its budget of 160 MB'
    expect(svg.attributes).toMatchObject({ role: 'img', 'aria-label': words })
    expect(named(svg, 'title').map(textIn)).toEqual([words])
    expect(named(svg, 'text').map(textIn)).toEqual(['image size', '163.9 MB'])
  })

  it.each(THEMES)('can be read on a %s page: a contrast of 4.5 for the text, and its edges seen', (theme) => {
    const colours = [null, 160_000_000, 150_000_000, 1].flatMap((cap) => {
      const svg = readXml(renderBadgeSvg(badgeOf({ metric: 'size', value: 148_200_000, cap }), theme))
      const [text = ''] = named(svg, 'g').map(({ attributes }) => attributes['fill'] ?? '')
      return named(svg, 'path').map(({ attributes }) => ({ text, behind: attributes['fill'] ?? '' }))
    })
    expect(new Set(colours.map(({ behind }) => behind)).size).toBe(5)
    expect(colours.filter(({ text, behind }) => contrast(text, behind) < 4.5)).toEqual([])
    const page = theme === 'light' ? '#ffffff' : '#0d1117'
    expect(colours.filter(({ behind }) => contrast(behind, page) < 1.7)).toEqual([])
  })

  it('has its texts beside each other and inside, whatever the font', () => {
    fc.assert(
      fc.property(facts, (of) => {
        const svg = readXml(renderBadgeSvg(badgeOf(of), 'light'))
        const spans = named(svg, 'text').map(({ attributes }) => {
          const start = Number(attributes['x'])
          return [start, start + Number(attributes['textLength'])] as const
        })
        const [[labelStart, labelEnd] = [0, 0], [start, end] = [0, 0]] = spans
        expect([labelStart > 0, labelEnd < start, end < Number(svg.attributes['width'])]).toEqual([true, true, true])
      }),
    )
  })

  it('keeps markup, control characters and addresses of a text inert', () => {
    fc.assert(
      fc.property(hostileString, hostileString, hostileString, (label, message, words) => {
        const svg = readXml(renderBadgeSvg({ label, message, words, colour: 'red' }, 'dark'))
        expect([...new Set(allIn(svg).map(({ name }) => name))]).toEqual(['svg', 'title', 'path', 'g', 'text'])
        expect(textIn(svg)).not.toMatch(/\p{Bidi_Control}|(?!\n)\p{Cc}/u)
      }),
    )
  })
})

// Measured in a browser, in DejaVu Sans of 1000 pixels.
it.each([
  ['148.2 MB', 4729],
  ['image download', 8268],
  ['+12.3 kB', 4647],
])('knows how wide a text is: %s', (text, width) => {
  expect(Math.abs(textWidth(text, 1000) / width - 1)).toBeLessThan(0.01)
})
