import type { Layer, Measurement } from '../image/measurement.ts'
import type { Finding, Found, Rule, RuleId, Words } from './finding.ts'
import { contextBloat } from './context-bloat.ts'
import { debugSymbols } from './debug-symbols.ts'
import { devDependencies } from './dev-dependencies.ts'
import { duplicateFiles } from './duplicate-files.ts'
import { floatingBase } from './floating-base.ts'
import { layerCount } from './layer-count.ts'
import { packageCache } from './package-cache.ts'
import { removedLater } from './removed-later.ts'
import { rootUser } from './root-user.ts'
import { lineOfSetting, secretFiles, secretSettings } from './secrets.ts'
import { singleStage } from './single-stage.ts'
import { findSplit, findToolchains, toolchain } from './toolchain.ts'
import { vcsAndTests } from './vcs-and-tests.ts'

/** Findings that are told of one image, and of one rule; the first of each rule is told whatever there is: a budget may forbid it. */
const MAX_FINDINGS = 40
const MAX_OF_RULE = 10

/** Bytes from which a finding has grown: less is noise of a build. */
const MIN_GROWTH = 10_000

type Place = Pick<Finding, 'file' | 'line' | 'instruction'>

type Entry = {
  rule: RuleId
  find: Rule
  /** What is compared with in the base; where it differs from `find`. */
  findInBase?: Rule
  /** What makes a finding of the base the same where none has its key. */
  isAlike?: (found: Found, other: Found) => boolean
  /** What the rule looks at: without it, that nothing is found does not mean that nothing is there. */
  looksAt: (image: Measurement) => unknown
  /** The instruction that a finding without a layer is about. */
  instruction?: (image: Measurement, found: Found) => Place
  /** Findings that are about no bytes: told before the others, or after them. */
  rank?: 'first' | 'last'
}

const content = (image: Measurement): unknown => image.content
const settings = (image: Measurement): unknown => image.settings
/** Where nothing tells the base image, nothing is known of it: no build, or no record of it. `FROM scratch` is no loss. */
const baseImage = (image: Measurement): unknown => image.baseImage

function fromOf({ baseImage: from, dockerfile }: Measurement): Place {
  return { file: from?.line ? dockerfile : null, line: from?.line ?? null, instruction: from?.instruction ?? null }
}

function settingLine(image: Measurement, found: Found): Place {
  const line = lineOfSetting(image, found)
  return { file: line === null ? null : image.dockerfile, line, instruction: null }
}

/** Files that are there twice, and were changed in both places. */
function sharesPath(found: Found, other: Found): boolean {
  return found.paths.some((path) => other.paths.includes(path))
}

const ENTRIES: Entry[] = [
  // The same toolchain may be told by either rule: splitting a stage makes nothing new.
  { rule: 'toolchain', find: toolchain, findInBase: findToolchains, looksAt: content },
  { rule: 'single-stage', find: singleStage, findInBase: findSplit, looksAt: content },
  { rule: 'package-cache', find: packageCache, looksAt: content },
  { rule: 'dev-dependencies', find: devDependencies, looksAt: content },
  { rule: 'vcs-and-tests', find: vcsAndTests, looksAt: content },
  { rule: 'secrets', find: secretFiles, looksAt: content, rank: 'first' },
  { rule: 'secrets', find: secretSettings, looksAt: settings, instruction: settingLine, rank: 'first' },
  { rule: 'removed-later', find: removedLater, looksAt: content },
  { rule: 'duplicate-files', find: duplicateFiles, isAlike: sharesPath, looksAt: content },
  { rule: 'debug-symbols', find: debugSymbols, looksAt: content },
  { rule: 'context-bloat', find: contextBloat, looksAt: content },
  { rule: 'root-user', find: rootUser, looksAt: settings, rank: 'last' },
  { rule: 'floating-base', find: floatingBase, looksAt: baseImage, instruction: fromOf, rank: 'last' },
  { rule: 'layer-count', find: layerCount, looksAt: (image) => image.layers, rank: 'last' },
]

/**
 * What could be smaller, or better, in an image; and what of it the base has as well. New and grown findings first, by the bytes that
 * they add; then what was there before, by bytes. `limit`: how many, but for the first of each rule.
 */
export function advise(head: Measurement, base: Measurement | null, { limit = MAX_FINDINGS } = {}): Finding[] {
  const all = ENTRIES.flatMap((entry) =>
    rankedOf(entry, head, base)
      .slice(0, MAX_OF_RULE)
      .map(({ finding }, at): Ranked & { isFirst: boolean } => ({ entry, finding, isFirst: at === 0 })),
  )
  const told = all.toSorted(inOrder).filter(({ isFirst }, at) => at < limit || isFirst)
  return told.map(({ finding }) => withIgnoreFile(finding, head))
}

/** All findings of an entry, none left out. */
function rankedOf(entry: Entry, head: Measurement, base: Measurement | null): Ranked[] {
  const before = inBase(entry, base)
  const ranked = [...byKey(entry.find(head))].map(([key, found]): Ranked => {
    const place = found.layer === null && entry.instruction ? entry.instruction(head, found) : placeOf(found.layer)
    const known = before && {
      found: before.get(key) ?? alikeOf(entry, found, before) ?? laterRemoval(found, base),
    }
    return { entry, finding: findingOf(entry.rule, found, place, known) }
  })
  return ranked.toSorted(inOrder)
}

function alikeOf({ isAlike }: Entry, found: Found, before: ReadonlyMap<string, Found>): Found | null {
  return (isAlike && [...before.values()].find((each) => isAlike(found, each))) ?? null
}

/** What an entry's rule finds in the base; null: there is none, or what it looks at is not known of it. */
function inBase({ find, findInBase = find, looksAt }: Entry, base: Measurement | null): Map<string, Found> | null {
  return base !== null && looksAt(base) !== null ? byKey(findInBase(base)) : null
}

/** Every finding of a rule, also those that `advise` leaves out as too many. */
export function findAll(rule: RuleId, head: Measurement, base: Measurement | null): Finding[] {
  const entries = ENTRIES.filter((entry) => isOfRule(entry, rule))
  return entries.flatMap((entry) => rankedOf(entry, head, base).map(({ finding }) => finding))
}

/**
 * Bytes of a rule's findings in the base, with those that the base ships too and that only the head's removal makes a finding;
 * null where the rule is about no bytes, or nothing is known of the base.
 */
export function bytesInBase(
  rule: RuleId,
  head: Measurement,
  base: Measurement | null,
  { ownOnly }: { ownOnly: boolean },
): number | null {
  let bytes: number | null = null
  for (const entry of ENTRIES) {
    if (entry.rule !== rule || entry.rank !== undefined) continue
    const before = inBase(entry, base)
    if (before === null) return null
    const removals = [...byKey(entry.find(head))].flatMap(([key, found]) =>
      before.has(key) ? [] : (laterRemoval(found, base) ?? []),
    )
    for (const found of [...before.values(), ...removals])
      if (!ownOnly || found.layer?.fromBase !== true) bytes = (bytes ?? 0) + (found.bytes ?? 0)
    bytes ??= 0
  }
  return bytes
}

/** The rules call it by its usual name; the build may have gone by another one. */
function withIgnoreFile(finding: Finding, { ignoreFile }: Measurement): Finding {
  if (ignoreFile === null) return finding
  const fix: Words = finding.fix.map((word) =>
    typeof word === 'object' && word.code === '.dockerignore' ? { code: ignoreFile } : word,
  )
  return { ...finding, fix }
}

/** Whether all that a rule looks at is known of an image: else that it finds nothing says nothing. */
export function isLookedAt(rule: RuleId, image: Measurement): boolean {
  return ENTRIES.filter((entry) => entry.rule === rule).every(({ looksAt }) => looksAt(image) !== null)
}

/** The findings of a rule. Tools that one stage builds with are a `toolchain`, though `single-stage` tells them. */
export function findingsOf(findings: readonly Finding[], rule: RuleId): Finding[] {
  return findings.filter((finding) => isOfRule(finding, rule))
}

function isOfRule({ rule }: { rule: RuleId }, of: RuleId): boolean {
  return rule === of || (of === 'toolchain' && rule === 'single-stage')
}

/** By key; of several with the same one, the first is the other image's first. */
function byKey(found: Found[]): Map<string, Found> {
  const counts = new Map<string, number>()
  return new Map(
    found.map((each) => {
      const count = (counts.get(each.key) ?? 0) + 1
      counts.set(each.key, count)
      return [`${count} ${each.key}`, each]
    }),
  )
}

/** What the base ships of it too, and did not remove: the image was as large then, and the removal saves nothing. */
function laterRemoval(found: Found, base: Measurement | null): Found | null {
  if (found.isRemoval !== true || found.layer === null) return null
  const { diffId } = found.layer
  return base?.layers.some((layer) => layer.diffId === diffId) ? found : null
}

/** `before`: what the base has of it; null: there is nothing to compare with. */
function findingOf(rule: RuleId, found: Found, place: Place, before: { found: Found | null } | null): Finding {
  const { what, paths, count, bytes, fix, layer, otherLayer } = found
  const added = before === null || bytes === null ? null : Math.max(0, bytes - (before.found?.bytes ?? 0))
  return {
    rule,
    what,
    paths,
    count,
    bytes,
    fix,
    ...place,
    otherLine: otherLayer?.line ?? null,
    fromBase: layer?.fromBase === true,
    since: before && (before.found === null ? 'new' : added !== null && added >= MIN_GROWTH ? 'grown' : 'before'),
    added,
  }
}

function placeOf(layer: Layer | null): Place {
  return { file: layer?.file ?? null, line: layer?.line ?? null, instruction: layer?.instruction || null }
}

type Ranked = { entry: Entry; finding: Finding }

const RANKS = { first: 0, last: 2 }

/** What is new first; what is not about bytes by its rank; else by bytes. */
function inOrder(one: Ranked, other: Ranked): number {
  return (
    Number(one.finding.since === 'before') - Number(other.finding.since === 'before') ||
    rankOf(one) - rankOf(other) ||
    addedBy(other) - addedBy(one) ||
    (other.finding.bytes ?? 0) - (one.finding.bytes ?? 0)
  )
}

/** Of what was there before, the little that it may have grown by is no order. */
function addedBy({ finding: { since, added, bytes } }: Ranked): number {
  return since === 'before' ? 0 : (added ?? bytes ?? 0)
}

function rankOf({ entry: { rank } }: Ranked): number {
  return rank === undefined ? 1 : RANKS[rank]
}
