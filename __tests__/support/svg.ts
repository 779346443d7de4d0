/** XML read strictly: what is not well-formed is an Error, as it is in a browser that is to show a picture. */

export type Element = { name: string; attributes: Record<string, string>; children: (Element | string)[] }

const TAG = /^<(?<close>\/?)(?<name>[a-z][a-zA-Z]*)(?<attributes>(?: [a-zA-Z][a-zA-Z:-]*="[^"<]*")*)(?<empty>\/?)>/
const TEXT = /^[^<]+/
/** What XML 1.0 takes (https://www.w3.org/TR/xml/#charsets). */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/** The document's only element. */
export function readXml(document: string): Element {
  if (FORBIDDEN.test(document)) throw new Error('a character that no XML may have')
  const root: Element = { name: '', attributes: {}, children: [] }
  const open = [root]
  let rest = document.trim()
  while (rest !== '') {
    const into = open.at(-1)!
    const tag = TAG.exec(rest)
    const [piece] = tag ?? TEXT.exec(rest) ?? []
    if (piece === undefined) throw new Error(`neither text nor a tag: ${rest.slice(0, 80)}`)
    rest = rest.slice(piece.length)
    const { close, name = '', attributes = '', empty } = tag?.groups ?? {}
    if (tag === null) {
      into.children.push(decoded(piece))
    } else if (close === '/') {
      if (into.name !== name || attributes !== '') throw new Error(`</${name}> closes <${into.name}>`)
      open.pop()
    } else {
      const element: Element = { name, attributes: attributesOf(attributes), children: [] }
      into.children.push(element)
      if (empty !== '/') open.push(element)
    }
  }
  const [element, ...more] = root.children
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name}> is not closed`)
  if (element === undefined || typeof element === 'string' || more.length > 0) throw new Error('not one element')
  return element
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/ ([a-zA-Z:-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    decoded(value),
  ])
  const attributes = Object.fromEntries(pairs)
  if (Object.keys(attributes).length !== pairs.length) throw new Error(`twice the same attribute: ${text}`)
  return attributes
}

function decoded(text: string): string {
  return text.replaceAll(/&(?<name>[^;]*);?/g, (entity, name: string) => {
    const character = ENTITIES[name]
    if (character === undefined || !entity.endsWith(';')) throw new Error(`not an entity: ${entity.slice(0, 20)}`)
    return character
  })
}

/** An element and all that are in it. */
export function allIn(element: Element): Element[] {
  return [element, ...element.children.flatMap((child) => (typeof child === 'string' ? [] : allIn(child)))]
}

/** Those of one name. */
export function named(element: Element, name: string): Element[] {
  return allIn(element).filter((each) => each.name === name)
}

/** The text that it and those in it have. */
export function textIn(element: Element): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textIn(child))).join('')
}

/** Contrast of two colours, `#rrggbb` (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio): from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].toSorted((left, right) => right - left)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(colour: string): number {
  const long = colour.length === 4 ? colour.replaceAll(/[\da-f]/gi, '$&$&') : colour
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(long.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
