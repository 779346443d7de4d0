/** The element of that id, which the page has. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!
}

/** An element with a text: never markup, whatever the text is. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { text, className }: { text?: string; className?: string } = {},
  children: (Node | string)[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  if (className !== undefined) made.className = className
  made.append(...children)
  return made
}
