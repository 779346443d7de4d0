import { element } from './elements.ts'
import { figuresOf, labelOf } from './text.ts'
import { hasChildren, outer, type Show, type Tree } from './tree.ts'

/** So many are made at a time: a folder may have a hundred thousand. */
const STEP = 100
/** Where what is selected stands further down, it is not looked for. */
const SHOWN_MAX = 1000

export type Shown = {
  tree: Tree
  childrenOf: (node: number, show: Show) => Int32Array
  root: number
  show: Show
}

/** What the outline tells of what a person does in it. */
export type OutlineEvents = { onSelect: (node: number) => void; onEnter: (node: number) => void }

/**
 * What is in the root, as a tree view (https://www.w3.org/WAI/ARIA/apg/patterns/treeview/): the same as the map, for those who read or hear it.
 * Items are made when they are looked at.
 */
export function createOutline(list: HTMLElement, { onSelect, onEnter }: OutlineEvents) {
  let shown: Shown | null = null
  let items = new Map<number, HTMLElement>()
  let nodes = new WeakMap<HTMLElement, number>()
  /** Makes what comes after the so many that a folder shows already. */
  let more = new WeakMap<HTMLElement, () => HTMLElement>()
  let current: HTMLElement | null = null

  function fill(group: HTMLElement, node: number, level: number, from: number): HTMLElement | null {
    const { tree, childrenOf, show } = shown!
    const children = childrenOf(node, show)
    const end = Math.min(children.length, from + STEP)
    let first: HTMLElement | null = null
    for (let at = from; at < end; at++) {
      const item = itemOf(tree, children[at]!, show)
      place(item, level, at, children.length)
      group.append(item)
      first ??= item
    }
    if (end < children.length) {
      const item = element('li', {}, [
        element('span', { className: 'row' }, [
          element('span', { className: 'name', text: `${children.length - end} more …` }),
        ]),
      ])
      item.setAttribute('role', 'treeitem')
      item.tabIndex = -1
      item.setAttribute('aria-label', `Show more: ${children.length - end} are left`)
      place(item, level, end, children.length)
      more.set(item, () => {
        item.remove()
        return fill(group, node, level, end)!
      })
      group.append(item)
    }
    return first
  }

  function itemOf(tree: Tree, node: number, show: Show): HTMLElement {
    const [label, figures] = [labelOf(tree, node), figuresOf(tree, node, show)]
    const item = element('li', {}, [
      element('span', { className: 'row' }, [
        element('span', { className: 'name', text: label }),
        element('span', { className: 'bytes', text: figures }),
      ]),
    ])
    item.setAttribute('role', 'treeitem')
    item.setAttribute('aria-label', `${label}, ${figures}`)
    item.setAttribute('aria-selected', 'false')
    if (hasChildren(tree, node)) item.setAttribute('aria-expanded', 'false')
    item.tabIndex = -1
    items.set(node, item)
    nodes.set(item, node)
    return item
  }

  function expand(item: HTMLElement): void {
    const node = nodes.get(item)
    if (node === undefined || item.getAttribute('aria-expanded') !== 'false') return
    item.setAttribute('aria-expanded', 'true')
    const known = item.querySelector<HTMLElement>(':scope > ul')
    if (known) {
      known.hidden = false
      return
    }
    const group = element('ul')
    group.setAttribute('role', 'group')
    item.append(group)
    fill(group, node, Number(item.getAttribute('aria-level')) + 1, 0)
  }

  /** One item takes part in going from one to the next with Tab; it need not be what is selected. */
  function makeCurrent(item: HTMLElement | null, { isSelected } = { isSelected: true }): void {
    if (current) {
      current.tabIndex = -1
      if (nodes.has(current)) current.setAttribute('aria-selected', 'false')
    }
    current = item
    if (!item) return
    item.tabIndex = 0
    if (isSelected && nodes.has(item)) item.setAttribute('aria-selected', 'true')
  }

  function go(item: HTMLElement | null | undefined): void {
    if (!item) return
    makeCurrent(item)
    item.focus()
    const node = nodes.get(item)
    if (node !== undefined) onSelect(node)
  }

  const visible = (): HTMLElement[] =>
    [...list.querySelectorAll<HTMLElement>('[role="treeitem"]')].filter((item) => !item.closest('ul[hidden]'))

  /** Goes so many items on among those that can be seen. */
  function step(by: number): void {
    const all = visible()
    const at = current ? all.indexOf(current) : -1
    go(all[Math.max(0, Math.min(all.length - 1, at + by))])
  }

  list.addEventListener('click', (event) => {
    const item = (event.target as Element).closest<HTMLElement>('[role="treeitem"]')
    if (!item) return
    const make = more.get(item)
    if (make) return go(make())
    const isOpen = item.getAttribute('aria-expanded')
    if (isOpen === 'false') expand(item)
    else if (isOpen === 'true' && item === current) collapse(item)
    go(item)
  })
  list.addEventListener('dblclick', (event) => {
    const item = (event.target as Element).closest<HTMLElement>('[role="treeitem"]')
    const node = item && nodes.get(item)
    if (node != null) onEnter(node)
  })
  list.addEventListener('keydown', (event) => {
    if (!current || event.altKey || event.ctrlKey || event.metaKey) return
    const isOpen = current.getAttribute('aria-expanded')
    const node = nodes.get(current)
    switch (event.key) {
      case 'ArrowDown':
        step(1)
        break
      case 'ArrowUp':
        step(-1)
        break
      case 'Home':
        go(visible()[0])
        break
      case 'End':
        go(visible().at(-1))
        break
      case 'ArrowRight':
        if (isOpen === 'false') expand(current)
        else if (isOpen === 'true') step(1)
        break
      case 'ArrowLeft':
        if (isOpen === 'true') collapse(current)
        else go(itemAbove(current))
        break
      case 'Enter':
      case ' ': {
        const make = more.get(current)
        if (make) go(make())
        else if (node !== undefined && event.key === 'Enter') onEnter(node)
        break
      }
      default:
        return
    }
    event.preventDefault()
  })

  return {
    /** Shows what is in another root, or in another order. */
    show: (next: Shown): void => {
      shown = next
      items = new Map()
      nodes = new WeakMap()
      more = new WeakMap()
      current = null
      list.replaceChildren()
      makeCurrent(fill(list, next.root, 1, 0), { isSelected: false })
    },
    /** Opens what it lies in and marks it, where it is among the first; the focus stays where it is. */
    select: (node: number): void => {
      if (current && nodes.get(current) === node) return makeCurrent(current)
      const { tree, childrenOf, root, show } = shown!
      const way: number[] = []
      for (let at = node; at > 0 && at !== root; at = outer(tree, at)) way.push(at)
      let group = list
      let inside = root
      let item: HTMLElement | null = null
      for (const at of way.toReversed()) {
        if (item) {
          expand(item)
          group = item.querySelector<HTMLElement>(':scope > ul')!
        }
        const rank = childrenOf(inside, show).indexOf(at)
        if (rank === -1 || rank > SHOWN_MAX) return makeCurrent(current, { isSelected: false })
        while (!items.has(at)) {
          const last = group.lastElementChild as HTMLElement | null
          const make = last && more.get(last)
          if (!make) return
          make()
        }
        item = items.get(at)!
        inside = at
      }
      if (item === null) return makeCurrent(current, { isSelected: false })
      makeCurrent(item)
      reveal(item.firstElementChild!, list.closest('aside')!)
    },
    /** The focus goes to what is marked, or to the first. */
    focus: (): void => current?.focus(),
  }
}

function place(item: HTMLElement, level: number, at: number, size: number): void {
  item.setAttribute('aria-level', String(level))
  item.setAttribute('aria-posinset', String(at + 1))
  item.setAttribute('aria-setsize', String(size))
}

function collapse(item: HTMLElement): void {
  item.setAttribute('aria-expanded', 'false')
  item.querySelector<HTMLElement>(':scope > ul')!.hidden = true
}

function itemAbove(item: HTMLElement): HTMLElement | null {
  return item.parentElement!.closest<HTMLElement>('[role="treeitem"]')
}

/** Scrolls what holds it and nothing else: on a phone it is far below the map, and the page stays where it is. */
function reveal(row: Element, holder: Element): void {
  const [inner, around] = [row.getBoundingClientRect(), holder.getBoundingClientRect()]
  if (holder.scrollHeight <= holder.clientHeight) return
  if (inner.top < around.top) holder.scrollTop -= around.top - inner.top
  else if (inner.bottom > around.bottom) holder.scrollTop += inner.bottom - around.bottom
}
