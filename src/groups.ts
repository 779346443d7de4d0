/** Items by what they have in common, in their order; those of null are left out. */
export function grouped<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key | null): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) addTo(groups, keyOf(item), item)
  return groups
}

/** Adds one more; none of null. */
export function addTo<Item, Key>(groups: Map<Key, Item[]>, key: Key | null, item: Item): void {
  if (key === null) return
  const group = groups.get(key)
  if (group) group.push(item)
  else groups.set(key, [item])
}
