import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseVersion } from '../scripts/release-plan.ts'
import { WORKFLOW } from '../src/init.ts'
import { firstBudgetFile } from '../src/inputs/first-file.ts'
import { script } from '../src/page/assets.ts'
import { majorTag, version } from '../src/version.ts'

/** What GitHub refuses, or passes over in silence, only once it is published. */

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

describe('action.yml', () => {
  const action = parse(read('action.yml'))

  it('has what the Marketplace asks for, within its limits', () => {
    expect(action.name).toBe('Image Budget')
    expect(action.author).not.toBe('')
    expect(action.description.length).toBeGreaterThan(40)
    expect(action.description.length).toBeLessThan(125)
    expect(action.description).not.toContain('\n')
  })

  it('runs a file that is committed', () => {
    expect(() => read(action.runs.main)).not.toThrow()
    expect(() => read('dist/package.json')).not.toThrow()
  })
})

describe.each(['dist', 'dist/cli'])('%s/licenses.txt', (folder) => {
  it('has each package that is bundled, those of the page too', () => {
    const bundle = read(`${folder}/index.js`)
    const modules = bundle.matchAll(/^(?:;?\/\/|\/\*+).* MODULE: \.\/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm)
    // The page's own script is a string in the bundle, and begins with its notices.
    const notices = script.matchAll(/^\/\*! ([^,\n]+), https:/gm)
    const packages = new Set([...modules, ...notices].map(([, name]) => name))
    expect(packages).toContain('yaml')
    expect(packages).toContain('d3-hierarchy')
    const listed = new Set(read(`${folder}/licenses.txt`).split('\n'))
    expect([...packages].filter((name) => !listed.has(name ?? ''))).toEqual([])
  })
})

describe('the major that is released', () => {
  const major = `v${parseVersion(version)?.major}`
  /** The majors of this project in a text, as a workflow names them and as a link does: `@v0`, `/v0/`, `/blob/v0/`. */
  const majorsIn = (text: string): string[] =>
    [...text.matchAll(/image-budget\/image-budget(?:@|\/(?:(?:blob|tree|raw)\/)?)(v\d+)(?![\w.])/g)].map(
      ([, ref = '']) => ref,
    )
  const patterns = [
    '*.md',
    'docs/**/*.md',
    'examples/**/*.md',
    '.github/**/*.{md,yml}',
    'src/**/*.ts',
    'scripts/**/*.{ts,sh}',
  ]
  const files = patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => file !== 'CHANGELOG.md')

  it('is the one that each page and each source names', () => {
    const named = files.flatMap((file) => majorsIn(read(file)).map((ref) => [file, ref]))
    expect(named.map(([file]) => file)).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md']))
    expect(named.filter(([, ref]) => ref !== major)).toEqual([])
  })

  it('is the one that `init` writes and prints', () => {
    expect(majorTag).toBe(major)
    expect(majorsIn(firstBudgetFile([], [], true))).toEqual([major, major])
    expect(majorsIn(WORKFLOW)).toEqual([major])
  })

  it('is found in every form, and told from versions and from those of others', () => {
    expect(majorsIn('actions/checkout@v7 /v2/ image-budget/image-budget@v0.1.0')).toEqual([])
    const text =
      'image-budget/image-budget@v8 image-budget/image-budget/blob/v9/docs image-budget/image-budget/v10/schema'
    expect(majorsIn(text)).toEqual(['v8', 'v9', 'v10'])
  })
})

describe('issue forms', () => {
  /** https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema */
  const text = z.string().min(1)
  const field = { id: z.string().regex(/^[\w-]+$/), validations: z.strictObject({ required: z.boolean() }).optional() }
  const said = { label: text, description: text.optional() }
  const element = z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: text }) }),
    z.strictObject({
      type: z.literal('input'),
      ...field,
      attributes: z.strictObject({ ...said, placeholder: text.optional() }),
    }),
    z.strictObject({
      type: z.literal('textarea'),
      ...field,
      attributes: z.strictObject({ ...said, placeholder: text.optional(), render: text.optional() }),
    }),
    z.strictObject({
      type: z.literal('dropdown'),
      ...field,
      attributes: z.strictObject({ ...said, multiple: z.boolean().optional(), options: z.array(text).min(2) }),
    }),
  ])
  const form = z.strictObject({
    name: text,
    description: text,
    labels: z.array(text).optional(),
    body: z.array(element).min(1),
  })
  const files = globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root }).filter((file) => !file.endsWith('/config.yml'))

  it.each(files)('%s is one that GitHub shows', (file) => {
    const { body } = form.parse(parse(read(file)))
    const fields = body.flatMap((each) => (each.type === 'markdown' ? [] : [each]))
    const [ids, labels] = [fields.map(({ id }) => id), fields.map(({ attributes }) => attributes.label)]
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(labels).size).toBe(labels.length)
    // GitHub refuses a choice that is there twice, and one that is called None.
    for (const each of fields) {
      if (each.type !== 'dropdown') continue
      const { options } = each.attributes
      expect(new Set(options).size).toBe(options.length)
      expect(options.map((option) => option.toLowerCase())).not.toContain('none')
    }
  })

  it('ask of a mistake what is needed to find it', () => {
    const { body } = form.parse(parse(read('.github/ISSUE_TEMPLATE/bug.yml')))
    const asked = body.flatMap((each) => (each.type === 'markdown' ? [] : [each.id]))
    expect(asked).toEqual(expect.arrayContaining(['version', 'where', 'builder', 'workflow', 'log', 'report']))
  })

  it('point to pages that are there', () => {
    const all = globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root }).map(read).join('\n')
    const links = [...all.matchAll(/image-budget\/blob\/main\/([^)\s#]+)/g)]
    expect(links.length).toBeGreaterThan(1)
    for (const [, file = ''] of links) expect(() => read(file)).not.toThrow()
  })
})

describe('dependabot.yml', () => {
  /** https://docs.github.com/code-security/dependabot/working-with-dependabot/dependabot-options-reference */
  const configuration = z.strictObject({
    version: z.literal(2),
    updates: z.array(
      z.strictObject({
        'package-ecosystem': z.enum(['npm', 'github-actions']),
        directory: z.literal('/'),
        schedule: z.strictObject({ interval: z.enum(['daily', 'weekly', 'monthly']) }),
        cooldown: z.strictObject({ 'default-days': z.int().min(1).max(90) }),
        groups: z.record(
          z.string().regex(/^[a-z][a-z-]*[a-z]$/),
          z.strictObject({
            patterns: z.array(z.string()).optional(),
            'dependency-type': z.enum(['production', 'development']).optional(),
          }),
        ),
      }),
    ),
  })

  it('has keys that Dependabot knows, and covers what is pinned', () => {
    const { updates } = configuration.parse(parse(read('.github/dependabot.yml')))
    expect(updates.map((each) => each['package-ecosystem']).toSorted()).toEqual(['github-actions', 'npm'])
  })
})
