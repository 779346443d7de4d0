import type { Metric } from '../budget/budget.ts'
import { nearPercent } from '../budget/judge.ts'
import { oneLine, shorten } from './characters.ts'
import { textWidth, xml, type Theme } from './svg.ts'
import { formatBytes, formatLimit } from './units.ts'

/** A figure for a README: as data for shields.io, and as a picture of our own that no service is asked for. */
export type Badge = {
  /** What the figure is of: `image size`. */
  label: string
  /** The figure as the comment writes it: `148.2 MB`, `9`. */
  message: string
  colour: BadgeColour
  /** All of it, for those who do not see the colour: `image size: 148.2 MB, within its budget of 160 MB`. */
  words: string
}

/** By shields' names. Over the budget, near it, within it, and none to hold the figure against. */
export type BadgeColour = 'red' | 'orange' | 'brightgreen' | 'blue'

/** What badges are made of. */
export type BadgeFacts = {
  metric: Exclude<Metric, 'findings'>
  /** Bytes, or layers. */
  value: number
  /** The budget on the whole image, likewise; null: there is none. */
  cap: number | null
}

/** What the figures are of. */
export const LABELS: Record<BadgeFacts['metric'], string> = {
  size: 'image size',
  'download-size': 'image download',
  layers: 'image layers',
}

/** The badge of a figure. Throws a RangeError for bytes that are no integer. */
export function badgeOf({ metric, value, cap }: BadgeFacts): Badge {
  const isCount = metric === 'layers'
  const label = LABELS[metric]
  const message = isCount ? String(value) : formatBytes(value)
  const { colour, words } = standing(value, cap)
  const budget = cap === null ? '' : `, ${words} its budget of ${isCount ? String(cap) : formatLimit(cap)}`
  return { label, message, colour, words: `${label}: ${message}${budget}` }
}

function standing(value: number, cap: number | null): { colour: BadgeColour; words: string } {
  if (cap === null) return { colour: 'blue', words: '' }
  if (value > cap) return { colour: 'red', words: 'over' }
  const isNear = BigInt(value) * 100n > BigInt(cap) * nearPercent
  return isNear ? { colour: 'orange', words: 'near' } : { colour: 'brightgreen', words: 'within' }
}

/**
 * What shields.io reads at an address of ours. Its schema (https://shields.io/badges/endpoint-badge) takes no other
 * properties than its own, and no empty message.
 */
export function renderEndpointJson({ label, message, colour }: Badge): string {
  return `${JSON.stringify({ schemaVersion: 1, label, message, color: colour })}\n`
}

/** White text has a contrast of at least 4.5 on each of them, and each can be told from the page. */
const BACKGROUNDS: Record<Theme, Record<BadgeColour | 'label', string>> = {
  light: { label: '#444c56', red: '#cf222e', orange: '#b35900', brightgreen: '#1a7f37', blue: '#0969da' },
  dark: { label: '#3d444d', red: '#da3633', orange: '#b35900', brightgreen: '#238636', blue: '#1f6feb' },
}

const HEIGHT = 20
const RADIUS = 4
const FONT_SIZE = 11
/** Longer than any of ours. */
const TEXT_MAX = 60
/** Between a text and the edges of its half. */
const PADDING = 7

/** The badge as a picture, 20 pixels high as others are that it may stand beside. */
export function renderBadgeSvg(badge: Badge, theme: Theme): string {
  const label = halfOf(badge.label)
  const message = halfOf(badge.message)
  const width = label.room + message.room
  const words = xml(badge.words)
  const colours = BACKGROUNDS[theme]
  const body = HEIGHT - 2 * RADIUS
  const corner = (x: number, y: number) => `a${RADIUS} ${RADIUS} 0 0 1 ${x * RADIUS} ${y * RADIUS}`
  const left = `M${label.room} 0v${HEIGHT}H${RADIUS}${corner(-1, -1)}v${-body}${corner(1, -1)}z`
  const right = `M${label.room} 0H${width - RADIUS}${corner(1, 1)}v${body}${corner(-1, 1)}H${label.room}z`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" role="img" aria-label="${words}">`,
    `<title>${words}</title>`,
    `<path fill="${colours.label}" d="${left}"/>`,
    `<path fill="${colours[badge.colour]}" d="${right}"/>`,
    `<g fill="#fff" font-family="Verdana,'DejaVu Sans',Geneva,sans-serif" font-size="${FONT_SIZE}">`,
    half(label, PADDING),
    half(message, label.room + PADDING),
    '</g>',
    '</svg>\n',
  ].join('\n')
}

type Half = { text: string; width: number; room: number }

function halfOf(words: string): Half {
  const text = shorten(oneLine(words), TEXT_MAX)
  const width = Math.ceil(textWidth(text, FONT_SIZE))
  return { text: xml(text), width, room: width + 2 * PADDING }
}

/** The text at the width that there is for it, whatever the font. */
function half({ text, width }: Half, x: number): string {
  return `<text x="${x}" y="14" textLength="${width}" lengthAdjust="spacingAndGlyphs">${text}</text>`
}
