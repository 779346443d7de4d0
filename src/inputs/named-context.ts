/** Whether a named context is no folder of the tree: a URL, an image, another target. */
export function isElsewhere(value: string): boolean {
  return /^[\w+.-]+:\/\/|^target:|^git@/.test(value)
}

/** A named context with the path in it, where it has one, seen from elsewhere: of a folder, and of a relative `oci-layout://`. */
export function withPathAt(
  value: string,
  folderAt: (path: string) => string,
  layoutAt: (path: string) => string,
): string {
  const layout = /^oci-layout:\/\/(?!\/)(.+)$/.exec(value)
  if (layout) return `oci-layout://${layoutAt(layout[1]!)}`
  return isElsewhere(value) ? value : folderAt(value)
}
