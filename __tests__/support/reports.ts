import type { Finding } from '../../src/advice/finding.ts'
import type { Budget, BudgetName, Check } from '../../src/budget/budget.ts'
import { NO_HISTORY, type History } from '../../src/budget/history.ts'
import { judge } from '../../src/budget/judge.ts'
import { ratchetsOf } from '../../src/budget/ratchet.ts'
import { waive } from '../../src/budget/waiver.ts'
import { compare } from '../../src/compare/compare.ts'
import type {
  Change,
  Comparison,
  LayerChange,
  PackageChange,
  Part,
  Totals,
  TotalsChange,
  Why,
} from '../../src/compare/comparison.ts'
import type { Failure } from '../../src/failure.ts'
import type { ImageFile } from '../../src/image/runs.ts'
import type { Measurement } from '../../src/image/measurement.ts'
import type { Over } from '../../src/inputs/budget-lines.ts'
import type { RuleId } from '../../src/inputs/rules.ts'
import type { Point } from '../../src/record/record.ts'
import { assembleReport } from '../../src/report/assemble.ts'
import type { ImageReport, Report, TrendPoint } from '../../src/report/report.ts'
import { aBaseLayer, aLayer, aLayerOfUnknownOrigin, aMeasurement, builtBase } from './measurements.ts'

/** Finished reports in every state that the renderers know. Figures are bytes. */

export const BASE_COMMIT = 'a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4'
export const OLD_COMMIT = '0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c0f1e2d3c'
export const HEAD_COMMIT = 'd4e5f6a7d4e5f6a7d4e5f6a7d4e5f6a7d4e5f6a7'

/** What all of them say of the run. */
const run = {
  version: '0.1.0',
  gonePlatforms: [],
  waiver: null,
  head: { commit: HEAD_COMMIT, pushed: null, dirty: false, reference: null },
  repositoryUrl: 'https://github.com/octo/shop',
  runUrl: 'https://github.com/octo/shop/actions/runs/123456',
}

export function report(overrides: Partial<Report> = {}): Report {
  const images = overrides.images ?? [imageReport()]
  const verdicts = new Set(images.map((image) => image.verdict))
  return {
    schema: 1,
    version: run.version,
    verdict: verdicts.has('error') ? 'error' : verdicts.has('over') ? 'over' : 'within',
    images,
    gonePlatforms: run.gonePlatforms,
    waiver: run.waiver,
    head: run.head,
    repositoryUrl: run.repositoryUrl,
    runUrl: run.runUrl,
    ...overrides,
  }
}

/** What a test says of an image. `budgets` are judged by its totals; only a test of a check's words makes `checks` up. */
export type ImageFacts = Partial<ImageReport> & {
  budgets?: Budget[]
  /** What advice finds. */
  found?: Finding[]
  /** Layers and content of both sides, for budgets on parts of the image. */
  measured?: { head: Partial<Measurement>; base: Partial<Measurement> }
  /** Records, for budgets on growth over time. */
  history?: History
}

/** A budget in bytes, or layers for `max-layers`. */
export function budget(name: BudgetName, limit: number, unit?: Budget['unit']): Budget {
  return {
    budget: name,
    scope: null,
    level: 'fail',
    over: null,
    limit,
    unit: unit ?? (name === 'max-layers' ? 'layers' : 'bytes'),
  }
}

/** A budget on growth over time. */
export function creepBudget(limit: number, over: Over = { kind: 'days', days: 30 }, unit?: Budget['unit']): Budget {
  return { ...budget('max-increase', limit, unit), over }
}

/** A record of 140.8 MB of 30 days before 21 November 2026. */
export function point(overrides: Partial<Point> = {}): Point {
  return {
    commit: OLD_COMMIT,
    at: '2026-10-22T09:30:00Z',
    size: 140_800_000,
    downloadSize: 48_400_000,
    layers: 9,
    caps: { size: null, downloadSize: null, layers: null },
    store: 'classic',
    sizeFrom: 'content',
    ...overrides,
  }
}

/** What is known on 21 November 2026: a record of 30 days ago, that of the last release and one of yesterday. */
export function branchHistory(overrides: Partial<History> = {}): History {
  const released = 'b2c3d4e5b2c3d4e5b2c3d4e5b2c3d4e5b2c3d4e5'
  return {
    points: [
      point(),
      point({ commit: released, at: '2026-11-02T12:00:00Z', size: 143_100_000 }),
      point({ commit: BASE_COMMIT, at: '2026-11-20T08:00:00Z', size: 148_200_000 }),
    ],
    releases: [{ name: 'v1.4', commit: released }],
    now: '2026-11-21T10:00:00.000Z',
    problem: null,
    ...overrides,
  }
}

/** 15.7 MB on top of what earlier changes added: more than is allowed over 30 days, and less than any other budget has. */
function creptImage(overrides: ImageFacts = {}): ImageReport {
  return overImage({
    budgets: [
      budget('max-size', 180_000_000),
      budget('max-increase', 20_000_000),
      creepBudget(20_000_000),
      creepBudget(18, { kind: 'release' }, 'percent'),
    ],
    history: branchHistory(),
    ...overrides,
  })
}

/** `api`, unchanged, 148.2 MB of a budget of 160 MB, 51.0 MB to download. */
export function imageReport({
  budgets = [budget('max-size', 160_000_000)],
  found = [],
  measured,
  history = NO_HISTORY,
  ...overrides
}: ImageFacts = {}): ImageReport {
  const head = overrides.head === undefined ? totals() : overrides.head
  const base = overrides.base === undefined ? totals() : overrides.base
  const comparison: Comparison = {
    name: 'api',
    platform: 'linux/amd64',
    engine: { driver: 'docker', store: 'classic', version: '28.0.4', buildx: '0.21.2' },
    source: null,
    head: head ?? totals(),
    base,
    change: head && base ? totalsChange(base, head) : null,
    sizeFrom: 'content',
    unmeasured: { size: null, downloadSize: null },
    unlikeDownloads: null,
    baseline: { kind: 'build', commit: BASE_COMMIT, ref: 'main', reason: null, record: null, passedOver: null },
    baseImage: {
      before: { name: 'docker.io/library/node:24-slim', digest: digest('11aa'), line: null, instruction: null },
      after: { name: 'docker.io/library/node:24-slim', digest: digest('11aa'), line: null, instruction: null },
      change: 'unchanged',
      why: null,
      doing: null,
      growth: null,
      ...overrides.baseImage,
    },
    packages: null,
    warnings: [],
    layerChanges: layers(),
  }
  const sides = { head: aMeasurement(measured?.head), base: base && aMeasurement(measured?.base) }
  const judged = {
    comparison,
    findings: found,
    trend: [],
    ratchets: ratchetsOf(comparison.head, budgets),
    ...judge({ comparison, ...sides }, budgets, found, history),
  }
  const { images } = assembleReport({ ...run, images: [judged] })
  return { ...images[0]!, ...overrides }
}

export function totals(overrides: Partial<Totals> = {}): Totals {
  const { size = 148_200_000, layers: count = 9 } = overrides
  const { downloadSize = size === null ? null : Math.round(size * 0.344) } = overrides
  return {
    size,
    downloadSize,
    layers: count,
    ownSize: size === null ? null : size - 88_100_000,
    ownDownloadSize: downloadSize === null ? null : downloadSize - 30_300_000,
    ownLayers: count - 6,
    wasted: null,
    ...overrides,
  }
}

export function totalsChange(base: Totals, head: Totals): TotalsChange {
  const change = (metric: keyof Totals): Change | null => {
    const [before, after] = [base[metric], head[metric]]
    if (before === null || after === null) return null
    return { amount: after - before, percent: before === 0 ? null : ((after - before) / before) * 100 }
  }
  return {
    size: change('size'),
    downloadSize: change('downloadSize'),
    layers: change('layers'),
    ownSize: change('ownSize'),
    ownDownloadSize: change('ownDownloadSize'),
    ownLayers: change('ownLayers'),
    wasted: change('wasted'),
  }
}

/** Records of main, a day apart, the newest the base: 20 of an image that grew to what it is, or as told. */
export function trend(sizes: readonly (number | null)[] = growingSizes()): TrendPoint[] {
  return sizes.map((size, index) => ({
    commit: index === sizes.length - 1 ? BASE_COMMIT : String(index).padStart(40, 'e'),
    at: `2026-10-${String(index + 3).padStart(2, '0')}T09:30:00Z`,
    size,
    downloadSize: size === null ? null : Math.round(size * 0.344),
    layers: 9,
  }))
}

/** From 136.0 MB to 148.2 MB, in steps. */
function growingSizes(): number[] {
  const steps = [
    0, 0, 0, 1_800_000, 0, 0, 2_400_000, 0, 0, 0, 3_100_000, 0, 0, -600_000, 0, 4_200_000, 0, 1_300_000, 0, 0,
  ]
  let size = 136_000_000
  return steps.map((step) => (size += step))
}

/** `max-size: 160 MB`, kept. */
export function check(overrides: Partial<Check> = {}): Check {
  return {
    budget: 'max-size',
    scope: null,
    level: 'fail',
    over: null,
    limit: 160_000_000,
    unit: 'bytes',
    metric: 'size',
    actual: 148_200_000,
    status: 'within',
    reason: null,
    why: null,
    excess: null,
    growth: null,
    uncounted: 0,
    accepted: null,
    against: null,
    ...overrides,
  }
}

export function layer(overrides: Partial<LayerChange> = {}): LayerChange {
  return {
    change: 'unchanged',
    instruction: 'RUN npm ci',
    instructionBefore: null,
    file: 'Dockerfile',
    line: 14,
    stage: '1',
    fromBase: false,
    copiedFrom: null,
    sizeBefore: 44_000_000,
    sizeAfter: 44_000_000,
    downloadSizeBefore: null,
    downloadSizeAfter: null,
    why: null,
    ...overrides,
  }
}

/** Six layers of the base image (88.1 MB), then `npm ci` and two `COPY`s. */
export function layers(own: LayerChange[] = ownLayers()): LayerChange[] {
  return [...baseLayers(), ...own]
}

export function baseLayers(): LayerChange[] {
  return [77_000_000, 10_000_000, 1_000_000, 50_000, 40_000, 10_000].map((size, index) =>
    layer({
      instruction: index === 0 ? 'ADD rootfs.tar.xz /' : `RUN base step ${index}`,
      file: null,
      line: null,
      stage: null,
      fromBase: true,
      sizeBefore: size,
      sizeAfter: size,
    }),
  )
}

export function ownLayers(): LayerChange[] {
  return [
    layer({ instruction: 'WORKDIR /app', line: 12, sizeBefore: 0, sizeAfter: 0 }),
    layer(),
    layer({ instruction: 'COPY . .', line: 17, sizeBefore: 16_100_000, sizeAfter: 16_100_000 }),
  ]
}

export function failure(overrides: Partial<Failure> = {}): Failure {
  return {
    kind: 'build',
    message: [
      'The build failed at `Dockerfile:14`: the command ended with exit code 1',
      'npm error code ERESOLVE',
      'npm error ERESOLVE could not resolve dependency tree',
    ].join('\n'),
    remedy: 'Run `docker buildx build .` to see the whole output.',
    file: 'Dockerfile',
    line: 14,
    instruction: 'RUN npm ci',
    ...overrides,
  }
}

export function digest(start: string): string {
  return `sha256:${start.padEnd(64, '0123456789abcdef')}`
}

/** An image that could not be measured: nothing of it is known but its name. */
export function failedImage(overrides: Partial<ImageReport> = {}): ImageReport {
  return imageReport({
    platform: null,
    verdict: 'error',
    error: failure(),
    engine: null,
    head: null,
    base: null,
    baseline: { kind: 'none', commit: BASE_COMMIT, ref: 'main', reason: null, record: null, passedOver: null },
    baseImage: null,
    layerChanges: [],
    checks: [],
    ...overrides,
  })
}

/** An image that the change does not touch. */
export function untouchedImage(name = 'api'): ImageReport {
  const { images } = assembleReport({
    ...run,
    images: [{ name, untouchedSince: { commit: BASE_COMMIT, ref: 'main' } }],
  })
  return images[0]!
}

export function overImage(overrides: ImageFacts = {}): ImageReport {
  return imageReport({
    head: totals({ size: 163_900_000, layers: 10 }),
    layerChanges: layers([
      layer({ instruction: 'WORKDIR /app', line: 12, sizeBefore: 0, sizeAfter: 0 }),
      layer({
        change: 'changed',
        sizeAfter: 56_300_000,
        instructionBefore: 'RUN npm ci --omit=dev',
        why: devDependencies(),
      }),
      layer({ change: 'rebuilt', instruction: 'RUN npm run build', line: 15, sizeBefore: 12_000, sizeAfter: 12_000 }),
      layer({
        change: 'added',
        instruction: 'COPY coverage ./coverage',
        line: 17,
        sizeBefore: null,
        sizeAfter: 3_400_000,
        why: coverage(),
      }),
    ]),
    packages: devPackages(),
    findings: [devDependency(), coverageOutput(), rootUser()],
    warnings: [
      {
        rule: 'FromAsCasing',
        message: "'as' and 'FROM' keywords' casing do not match",
        line: 1,
        url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
      },
    ],
    budgets: [budget('max-size', 160_000_000), budget('max-layers', 12), budget('max-increase', 5_000_000)],
    ...overrides,
  })
}

/** What `npm ci` without `--omit=dev` brought: 12.3 MB. A part has the largest of its packages. */
export function devDependencies(): Why {
  const packages = devPackages().slice(0, 3)
  return {
    moved: 0,
    parts: [
      part({ path: '/app/node_modules', ecosystem: 'npm', amount: 12_280_000, files: 611, packages, packageCount: 5 }),
      part({ path: '/root/.npm/_logs', change: 'new', amount: 20_000, files: 1 }),
    ],
    rest: 0,
  }
}

function devPackages(): PackageChange[] {
  return (
    [
      ['typescript', '5.9.3', 9_100_000],
      ['@types/node', '24.10.1', 2_200_000],
      ['undici-types', '7.16.0', 600_000],
      ['@types/express', '5.0.5', 260_000],
      ['@types/qs', '6.14.0', 120_000],
    ] as const
  ).map(([name, versionAfter, amount]) =>
    packageChange({ name, path: `/app/node_modules/${name}`, versionAfter, amount, dev: true }),
  )
}

/** What `COPY coverage` brought: 3.4 MB. */
function coverage(): Why {
  return { moved: 0, parts: [part({ path: '/app/coverage', change: 'new', amount: 3_400_000, files: 212 })], rest: 0 }
}

/** What a newer base image brought: 10.4 MB. */
function newerOpenssl(): Why {
  const debian = { ecosystem: 'dpkg', path: null, change: 'updated', dev: null } as const
  const packages = [
    packageChange({ ...debian, name: 'libssl3', versionBefore: '3.0.15', versionAfter: '3.0.17', amount: 7_100_000 }),
    packageChange({ ...debian, name: 'libc6', versionBefore: '2.36-9', versionAfter: '2.36-10', amount: 2_400_000 }),
  ]
  const debianPackages = part({ path: null, ecosystem: 'dpkg', amount: 10_400_000, packages, packageCount: 7 })
  return { moved: 0, parts: [debianPackages], rest: 0 }
}

/** A folder that grew by 1 MB. */
export function part(overrides: Partial<Part> = {}): Part {
  return {
    path: '/app/data',
    ecosystem: null,
    change: 'changed',
    amount: 1_000_000,
    files: 12,
    packages: [],
    packageCount: 0,
    ...overrides,
  }
}

/** A package that is new: `typescript`, 9.1 MB. */
export function packageChange(overrides: Partial<PackageChange> = {}): PackageChange {
  return {
    ecosystem: 'npm',
    name: 'typescript',
    path: '/app/node_modules/typescript',
    change: 'new',
    versionBefore: null,
    versionAfter: '5.9.3',
    amount: 9_100_000,
    folder: null,
    dev: null,
    ...overrides,
  }
}

/** A finding that is new in the change, of 1 MB at line 14. */
export function finding(overrides: Partial<Finding> = {}): Finding {
  return {
    rule: 'package-cache',
    what: ["npm's cache"],
    paths: ['/root/.npm/_cacache'],
    count: 1,
    bytes: 1_000_000,
    fix: ['add ', { code: '--mount=type=cache,target=/root/.npm' }, ' to the ', { code: 'RUN' }],
    file: 'Dockerfile',
    line: 14,
    instruction: 'RUN npm ci',
    otherLine: null,
    fromBase: false,
    since: 'new',
    added: 1_000_000,
    ...overrides,
  }
}

function devDependency(): Finding {
  return finding({
    rule: 'dev-dependencies',
    what: ['5 development dependencies'],
    paths: ['/app/node_modules/typescript', '/app/node_modules/@types/node', '/app/node_modules/undici-types'],
    count: 5,
    bytes: 12_280_000,
    added: 12_280_000,
    fix: ['run ', { code: 'npm ci --omit=dev' }],
  })
}

function coverageOutput(): Finding {
  return finding({
    rule: 'vcs-and-tests',
    what: ['coverage output'],
    paths: ['/app/coverage'],
    bytes: 3_400_000,
    added: 3_400_000,
    fix: ['add ', { code: 'coverage' }, ' to ', { code: '.dockerignore' }],
    line: 17,
    instruction: 'COPY coverage ./coverage',
  })
}

function rootUser(): Finding {
  return finding({
    rule: 'root-user',
    what: ['the image runs as root'],
    paths: [],
    count: 0,
    bytes: null,
    added: null,
    fix: ['end the last stage with ', { code: 'USER' }, ' and a user of its own'],
    file: null,
    line: null,
    instruction: null,
    since: 'before',
  })
}

const noBaseline = {
  kind: 'none',
  commit: BASE_COMMIT,
  ref: 'main',
  reason: 'the base `a1b2c3d` has no `Dockerfile` (this change adds it)',
  record: null,
  passedOver: null,
} as const

/** Layers as they are without a base. */
function alone(changes: LayerChange[]): LayerChange[] {
  return changes.map((each) =>
    Object.assign(each, { change: 'added', sizeBefore: null, downloadSizeBefore: null } satisfies Partial<LayerChange>),
  )
}

/** Another base image, 10.4 MB larger, and 200 kB of the change's own; `edited`: by another `FROM` line. */
function movedBaseImage(budgets: Budget[], { edited = false } = {}): ImageReport {
  return imageReport({
    head: totals({ size: 158_800_000, ownSize: 60_300_000 }),
    baseImage: {
      before: { name: 'node:24-slim', digest: digest('11aa'), line: 1, instruction: 'FROM node:24-slim' },
      after: {
        name: edited ? 'node:26-slim' : 'node:24-slim',
        digest: digest('22bb'),
        line: 1,
        instruction: `FROM ${edited ? 'node:26-slim' : 'node:24-slim'}`,
      },
      change: 'changed',
      why: newerOpenssl(),
      doing: edited ? 'change' : 'drift',
      growth: { size: 10_400_000, downloadSize: null, layers: 0 },
    },
    layerChanges: [
      ...baseLayers().map((each, index) =>
        index === 1 ? Object.assign(each, { change: 'changed', sizeAfter: 20_400_000 } as const) : each,
      ),
      layer({ change: 'changed', sizeAfter: 44_200_000 }),
    ],
    budgets,
    measured: {
      base: { layers: [aBaseLayer('ADD rootfs.tar.xz /', { size: 88_100_000 })] },
      head: { layers: [aBaseLayer('ADD rootfs.tar.xz /', { size: 98_500_000 })] },
    },
  })
}

/** The base's build was recorded, this change's was not: `npm ci` grew by 12.3 MB. */
function unknownOrigins(): ImageReport {
  const [base, head] = [
    [
      aBaseLayer('ADD rootfs.tar.xz /', { size: 88_100_000 }),
      aLayer('RUN npm ci', { size: 44_000_000, line: 14 }),
      aLayer('COPY . .', { size: 16_100_000, line: 17 }),
    ],
    [
      aLayerOfUnknownOrigin('ADD rootfs.tar.xz /', { size: 88_100_000 }),
      aLayerOfUnknownOrigin('RUN npm ci', { size: 56_300_000, diffId: digest('33cc') }),
      aLayerOfUnknownOrigin('COPY . .', { size: 16_100_000 }),
    ],
  ].map((each) => aMeasurement({ layers: each }))
  const comparison = compare({ ...head!, baseImage: null }, base!, builtBase({ commit: BASE_COMMIT }))
  return imageReport({ ...comparison, budgets: [budget('max-size', 170_000_000)] })
}

const NO_FILES = { files: [], packages: [] }

function forbid(rule: RuleId): Budget {
  return { budget: 'forbid', scope: { kind: 'rule', of: rule }, level: 'fail', over: null, limit: 0, unit: 'findings' }
}

/** A private key that is found. */
export const SECRET: Partial<Finding> = {
  rule: 'secrets',
  what: ['a private key'],
  paths: ['/app/id_rsa'],
  bytes: 120,
  added: 120,
  fix: ['add ', { code: 'id_rsa' }, ' to ', { code: '.dockerignore' }],
}

/** One that `COPY . .` brought. */
function privateKey(): Finding {
  return finding({
    ...SECRET,
    line: 17,
    instruction: 'COPY . .',
  })
}

/** Within as a whole; its own layers, a folder and a package are over, a stage is not, another one is not there. */
function partsOver(): ImageReport {
  const file = (path: string, size: number, owner: number | null = null): ImageFile => ({
    path,
    layer: 1,
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    checksum: null,
    facts: [],
    lost: null,
    package: owner,
  })
  const typescript = {
    ecosystem: 'npm',
    name: 'typescript',
    version: '5.9.3',
    path: null,
    size: 9_100_000,
    dev: true,
  } as const
  const sides = [
    [44_000_000, [file('/app/node_modules/express/index.js', 44_000_000)]],
    [
      56_300_000,
      [
        file('/app/node_modules/express/index.js', 47_200_000),
        file('/app/node_modules/typescript/lib.js', 9_100_000, 0),
      ],
    ],
  ] as const
  const [before, after] = sides.map(([size, files]): Partial<Measurement> => ({
    layers: [aBaseLayer('ADD rootfs.tar.xz /', { size: 88_100_000 }), aLayer('RUN npm ci', { size, stage: 'runtime' })],
    content: { files: [...files], packages: [typescript] },
  }))
  return imageReport({
    head: totals({ size: 160_500_000 }),
    layerChanges: layers([layer({ change: 'changed', sizeAfter: 56_300_000 })]),
    measured: { head: after!, base: before! },
    budgets: [
      budget('max-size', 170_000_000),
      { ...budget('max-increase', 2_000_000), scope: { kind: 'own', of: null } },
      { ...budget('max-size', 50_000_000), scope: { kind: 'path', of: '/app/node_modules' } },
      { ...budget('max-size', 0), scope: { kind: 'package', of: 'typescript' } },
      { ...budget('max-layers', 4), scope: { kind: 'stage', of: 'runtime' } },
    ],
  })
}

const containerd = { driver: 'docker', store: 'containerd', version: '29.1.0', buildx: '0.30.1' } as const

const LABEL = 'image-budget: accept'

/** `mona` accepted growth of `size` bytes and a layer. */
function acceptedOver(size: number): Report {
  const growth = { size, downloadSize: null, layers: 1 }
  const accepted = waive(overImage(), [{ name: overImage().name, platform: 'linux/amd64', growth, parts: [] }])
  return report({
    images: [overImage({ checks: accepted.checks, verdict: accepted.verdict })],
    waiver: { label: LABEL, by: 'mona', at: '2026-03-01T12:34:56.000Z', problem: null },
  })
}

/** Every state by the name of its rendered files. */
export const STATES: Readonly<Record<string, Report>> = {
  over: report({ images: [overImage()] }),
  acceptable: report({ images: [overImage()], waiver: { label: LABEL, by: null, at: null, problem: null } }),
  waived: acceptedOver(15_700_000),
  'waiver-void': acceptedOver(13_600_000),
  'waiver-problem': report({
    images: [overImage()],
    waiver: {
      label: LABEL,
      by: 'mona',
      at: '2026-03-01T12:34:56.000Z',
      problem: '`comment` is `off`, so nothing keeps how much was accepted',
    },
  }),
  within: report({
    images: [
      imageReport({
        head: totals({ size: 149_300_000 }),
        layerChanges: layers([
          layer({ instruction: 'WORKDIR /app', line: 12, sizeBefore: 0, sizeAfter: 0 }),
          layer({ change: 'changed', sizeAfter: 45_100_000 }),
          layer({
            change: 'rebuilt',
            instruction: 'COPY . .',
            line: 17,
            sizeBefore: 16_100_000,
            sizeAfter: 16_100_000,
          }),
        ]),
      }),
    ],
  }),
  near: report({
    images: [
      imageReport({
        head: totals({ size: 158_400_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 54_200_000 })]),
        budgets: [budget('max-size', 160_000_000), budget('max-increase', 10, 'percent')],
      }),
    ],
  }),
  'over-before': report({
    images: [
      imageReport({
        base: totals({ size: 164_100_000 }),
        head: totals({ size: 163_900_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeBefore: 60_000_000, sizeAfter: 59_800_000 })]),
      }),
    ],
  }),
  smaller: report({
    images: [
      imageReport({
        head: totals({ size: 126_900_000, layers: 8 }),
        layerChanges: layers([
          layer({
            change: 'changed',
            instruction: 'RUN npm ci --omit=dev',
            instructionBefore: 'RUN npm ci',
            sizeAfter: 26_100_000,
          }),
          layer({
            change: 'removed',
            instruction: 'COPY coverage ./coverage',
            line: 17,
            sizeBefore: 3_400_000,
            sizeAfter: null,
          }),
        ]),
      }),
    ],
  }),
  ratchet: report({
    images: [imageReport({ budgets: [budget('max-size', 200_000_000), budget('max-download-size', 90_000_000)] })],
  }),
  'ratchet-images': report({
    images: [
      imageReport({ budgets: [budget('max-size', 200_000_000)] }),
      imageReport({
        name: 'worker',
        head: totals({ size: 126_900_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 22_700_000 })]),
      }),
    ],
  }),
  creep: report({ images: [creptImage()], waiver: { label: LABEL, by: null, at: null, problem: null } }),
  'creep-before': report({
    images: [
      imageReport({
        base: totals({ size: 164_100_000 }),
        head: totals({ size: 163_900_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeBefore: 60_000_000, sizeAfter: 59_800_000 })]),
        budgets: [budget('max-size', 180_000_000), creepBudget(20_000_000)],
        history: branchHistory(),
      }),
    ],
  }),
  'creep-near': report({
    images: [
      imageReport({
        head: totals({ size: 149_300_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 45_100_000 })]),
        budgets: [
          budget('max-size', 160_000_000),
          creepBudget(8_900_000),
          creepBudget(12, { kind: 'release' }, 'percent'),
        ],
        history: branchHistory(),
      }),
    ],
  }),
  'creep-no-record': report({
    images: [
      creptImage({
        history: branchHistory({
          points: [point({ at: '2026-11-09T12:00:00Z' }), point({ commit: BASE_COMMIT, at: '2026-11-20T08:00:00Z' })],
        }),
      }),
    ],
  }),
  unchanged: report(),
  noise: report({
    images: [imageReport({ head: totals({ size: 148_200_412 }) })],
  }),
  'no-baseline': report({
    images: [
      imageReport({
        base: null,
        baseline: noBaseline,
        head: totals({ size: 163_900_000 }),
        layerChanges: alone(layers()),
        budgets: [budget('max-size', 170_000_000), budget('max-increase', 5_000_000)],
      }),
    ],
  }),
  'base-failed': report({
    images: [
      imageReport({
        base: null,
        baseline: {
          ...noBaseline,
          reason:
            'the base `a1b2c3d` could not be measured: the build failed at `Dockerfile:14`: the command ended with exit code 1',
        },
        layerChanges: alone(layers()),
        budgets: [budget('max-size', 160_000_000), budget('max-increase', 5_000_000)],
      }),
    ],
  }),
  'no-budget': report({
    images: [
      imageReport({
        head: totals({ size: 163_900_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 59_700_000 })]),
        budgets: [],
      }),
    ],
  }),
  compared: report({
    images: [
      imageReport({
        name: 'acme/api',
        engine: null,
        source: { reference: 'docker://ghcr.io/acme/api:1.1', digest: digest('c1') },
        base: totals(),
        head: totals({ size: 163_900_000 }),
        baseline: {
          kind: 'image',
          commit: null,
          ref: 'docker://ghcr.io/acme/api:1.0',
          reason: null,
          record: null,
          passedOver: null,
        },
        baseImage: { before: null, after: null, change: 'unknown', doing: null, growth: null, why: null },
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 59_700_000, file: null, line: null })]),
        budgets: [budget('max-increase', 20_000_000)],
      }),
    ],
    gonePlatforms: ['linux/arm64'],
    head: { commit: null, pushed: null, dirty: false, reference: 'docker://ghcr.io/acme/api:1.1' },
  }),
  repacked: report({
    images: [
      imageReport({
        base: totals({ downloadSize: 51_000_000 }),
        head: totals({ downloadSize: 44_000_000 }),
        change: { ...totalsChange(totals(), totals()), downloadSize: null, ownDownloadSize: null },
        unlikeDownloads: "the base's layers are packed by gzip, this change's packed by zstd",
        baseline: {
          kind: 'image',
          commit: null,
          ref: 'docker://ghcr.io/acme/api:latest',
          reason: null,
          record: null,
          passedOver: null,
        },
      }),
    ],
  }),
  'soft-limit': report({
    images: [
      imageReport({
        head: totals({ size: 153_900_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 49_700_000 })]),
        budgets: [
          budget('max-size', 160_000_000),
          { ...budget('max-size', 150_000_000), level: 'warn' },
          { ...budget('max-increase', 2, 'percent'), level: 'warn' },
        ],
      }),
    ],
  }),
  parts: report({ images: [partsOver()] }),
  forbidden: report({
    images: [
      imageReport({
        head: totals({ size: 148_200_120 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 44_000_120 })]),
        measured: { head: { content: NO_FILES }, base: { content: NO_FILES } },
        budgets: [budget('max-size', 160_000_000), forbid('secrets'), forbid('vcs-and-tests'), forbid('toolchain')],
        found: [privateKey(), { ...coverageOutput(), since: 'before', added: 0 }],
      }),
    ],
  }),
  'base-image': report({
    images: [movedBaseImage([budget('max-size', 170_000_000), budget('max-increase', 5_000_000)])],
  }),
  'base-image-cap': report({ images: [movedBaseImage([budget('max-size', 155_000_000)])] }),
  'base-image-over': report({
    images: [
      movedBaseImage([
        budget('max-increase', 5_000_000),
        { ...budget('max-increase', 8_000_000), scope: { kind: 'base', of: null } },
      ]),
    ],
  }),
  'base-image-edited': report({
    images: [movedBaseImage([budget('max-size', 170_000_000), budget('max-increase', 5_000_000)], { edited: true })],
  }),
  'unknown-origins': report({ images: [unknownOrigins()] }),
  failed: report({ images: [failedImage()] }),
  'not-measured': report({
    images: [
      imageReport({
        engine: containerd,
        unmeasured: { size: 'a layer is not with the image (it is non-distributable)', downloadSize: null },
        base: totals({ size: null, downloadSize: 51_000_000 }),
        head: totals({ size: null, downloadSize: 55_400_000 }),
        layerChanges: [
          layer({
            change: 'changed',
            sizeBefore: null,
            sizeAfter: null,
            downloadSizeBefore: 14_000_000,
            downloadSizeAfter: 18_400_000,
          }),
        ],
        budgets: [budget('max-size', 160_000_000), budget('max-download-size', 56_000_000)],
      }),
    ],
  }),
  download: report({
    images: [
      imageReport({
        engine: containerd,
        base: totals({ size: null, downloadSize: 51_000_000 }),
        head: totals({ size: null, downloadSize: 55_400_000 }),
        layerChanges: [
          layer({
            change: 'changed',
            sizeBefore: null,
            sizeAfter: null,
            downloadSizeBefore: 14_000_000,
            downloadSizeAfter: 18_400_000,
          }),
        ],
        budgets: [budget('max-download-size', 55_000_000)],
      }),
    ],
  }),
  'by-bytes': report({
    images: [
      imageReport({
        head: totals({ size: 160_000_312 }),
        base: totals({ size: 159_999_104 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 44_001_208 })]),
      }),
    ],
  }),
  trend: report({ images: [overImage({ trend: trend() })] }),
  'trend-flat': report({
    images: [
      imageReport({
        head: totals({ size: 149_300_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 45_100_000 })]),
        trend: trend(Array.from({ length: 12 }, () => 148_200_000)),
      }),
    ],
  }),
  images: report({
    images: [
      ...Array.from({ length: 4 }, (_, index) => imageReport({ name: `job-${index + 1}` })),
      imageReport({
        name: 'worker',
        head: totals({ size: 149_300_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 45_100_000 })]),
      }),
      overImage(),
      failedImage({ name: 'web' }),
    ],
  }),
  untouched: report({ images: [untouchedImage()] }),
  'images-untouched': report({
    images: [
      ...Array.from({ length: 3 }, (_, index) => untouchedImage(`job-${index + 1}`)),
      imageReport({ name: 'web' }),
      imageReport({
        name: 'worker',
        head: totals({ size: 149_300_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 45_100_000 })]),
      }),
    ],
  }),
  'none-touched': report({ images: [untouchedImage('web'), untouchedImage('worker')] }),
  platforms: report({
    images: [
      overImage(),
      imageReport({
        platform: 'linux/arm64',
        head: totals({ size: 151_000_000 }),
        layerChanges: layers([layer({ change: 'changed', sizeAfter: 46_800_000 })]),
      }),
    ],
  }),
}

/** The example of docs/report.md. */
export const DOCUMENTED: Report = report({
  waiver: { label: LABEL, by: null, at: null, problem: null },
  images: [
    overImage({
      budgets: [budget('max-size', 160_000_000), budget('max-increase', 5_000_000), creepBudget(20_000_000)],
      history: branchHistory(),
      packages: devDependencies().parts[0]!.packages,
      layerChanges: [
        layer({
          change: 'changed',
          sizeAfter: 56_300_000,
          instructionBefore: 'RUN npm ci --omit=dev',
          why: devDependencies(),
        }),
        layer({
          change: 'added',
          instruction: 'COPY coverage ./coverage',
          line: 17,
          sizeBefore: null,
          sizeAfter: 3_400_000,
          why: coverage(),
        }),
      ],
    }),
  ],
})
