import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, Page } from 'puppeteer-core'
import { aFile, anImage, anImageOf, aPackage } from '../support/contents.ts'
import { openPage, startBrowser, type Opened } from '../support/browser.ts'
import { aLayer } from '../support/measurements.ts'
import { aLargeChange, pageImage, pageOf } from '../support/pages.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

/** Opens a page, and closes it when it was looked at; it must have said nothing, and asked for nothing. */
async function inBrowser(
  html: string,
  look: (opened: Opened) => Promise<void>,
  options: Parameters<typeof openPage>[2] = {},
): Promise<void> {
  const opened = await openPage(browser, html, options)
  try {
    await look(opened)
    expect([opened.said, opened.requested]).toEqual([[], []])
  } finally {
    await opened.close()
  }
}

const textOf = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, (element) => element.textContent ?? '')
const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (elements) => elements.map((element) => element.textContent ?? ''))
/** When what was asked for has been drawn. */
const drawn = (page: Page): Promise<unknown> =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')

const typescript = aPackage('npm', 'typescript', { version: '5.9.3', path: '/app/node_modules/typescript' })
const base = anImageOf([
  { instruction: 'ADD rootfs /', files: { '/usr/lib/libc.so': 40_000_000, '/bin/sh': 1_000_000 } },
  { instruction: 'RUN npm ci', files: { '/app/node_modules/typescript/lib/tsc.js': [9_000_000, typescript] } },
  { instruction: 'COPY . .', files: { '/app/server.js': 20_000, '/app/old.js': 5_000 } },
])
const head = anImageOf([
  { instruction: 'ADD rootfs /', files: { '/usr/lib/libc.so': 40_000_000, '/bin/sh': 1_000_000 } },
  { instruction: 'RUN npm ci', files: { '/app/node_modules/typescript/lib/tsc.js': [12_000_000, typescript] } },
  { instruction: 'COPY . .', files: { '/app/server.js': 25_000, '/app/video.mp4': 3_000_000 } },
])
const shop = pageOf(pageImage(head, base))

describe('the page', () => {
  it('shows the image and its change, and asks for nothing', async () => {
    await inBrowser(shop, async ({ page }) => {
      expect(await textOf(page, '#totals')).toBe('50.0 MB → 56.0 MB (+6.0 MB)')
      expect(await textOf(page, '#compared')).toBe('Compared with main.')
      expect(await textsOf(page, '#outline > [role=treeitem] .name')).toEqual(['usr/lib/', 'app/', 'bin/'])
      expect(await page.title()).toBe('api – Image Budget')
    })
  })

  it('goes in and out by keyboard alone, says where it is, and leads to the Dockerfile', async () => {
    await inBrowser(shop, async ({ page }) => {
      const crumbs = () => textsOf(page, '#crumbs li')
      await page.focus('#map')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowRight')
      expect(await textOf(page, '#said')).toBe('app/, 15.0 MB (+6.0 MB), 2 of 3')
      await page.keyboard.press('Enter')
      expect(await crumbs()).toEqual(['api', 'app/'])
      expect(await textOf(page, '#selected-heading')).toBe('/app/node_modules/typescript/lib')
      await page.keyboard.press('ArrowDown')
      expect(await textOf(page, '#said')).toBe('video.mp4, 3.0 MB, new, 2 of 4')
      expect(await textOf(page, '#facts')).toContain('3.0 MB (3,000,000 B)')
      const link = await page.$eval('#facts a', (element) => [element.textContent, element.getAttribute('href')])
      expect(link).toEqual(['Dockerfile:4', `https://github.com/octo/shop/blob/${head.commit}/Dockerfile#L4`])
      await page.keyboard.press('Escape')
      expect(await crumbs()).toEqual(['api'])
      expect(await textOf(page, '#selected-heading')).toBe('/app')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Backspace')
      expect(await crumbs()).toEqual(['api'])
    })
  })

  it('goes in by a double click, and back by its breadcrumbs', async () => {
    await inBrowser(shop, async ({ page }) => {
      await page.mouse.click(100, 300, { count: 2 })
      expect(await textsOf(page, '#crumbs li')).toEqual(['api', 'usr/lib/'])
      expect(await textOf(page, '#selected-heading')).toBe('/usr/lib/libc.so')
      await page.click('#crumbs li:first-child button')
      expect(await textsOf(page, '#crumbs li')).toEqual(['api'])
    })
  })

  it('shows before, after or the change, by folder, package or layer', async () => {
    await inBrowser(shop, async ({ page }) => {
      const rows = () => textsOf(page, '#outline > [role=treeitem] .row')
      await page.click('input[value=before]')
      expect(await rows()).toEqual(['usr/lib/40.0 MB', 'app/9.0 MB (+6.0 MB)', 'bin/1.0 MB'])
      await page.click('input[value=change]')
      await page.click('input[value=package]')
      expect(await rows()).toEqual(['of no package+3.0 MB', 'npm packages+3.0 MB'])
      await page.click('input[value=layer]')
      expect(await rows()).toEqual([
        'Layer 3: COPY . .+3.0 MB',
        'Layer 2: RUN npm ci+3.0 MB',
        'Layer 1: ADD rootfs /0 B',
      ])
    })
  })

  it('finds what is searched, and goes to it', async () => {
    await inBrowser(shop, async ({ page }) => {
      await page.focus('#map')
      await page.keyboard.press('/')
      await page.keyboard.type('typescript')
      await drawn(page)
      expect(await textOf(page, '#found')).toBe('1 file, 12.0 MB')
      expect(await textsOf(page, '#hits li')).toEqual(['/app/node_modules/typescript/lib/tsc.js – 12.0 MB (+3.0 MB)'])
      await page.click('#hits button')
      expect(await textOf(page, '#facts')).toContain('typescript 5.9.3 (npm)')
      expect(await page.$eval('#map', (element) => element.matches(':focus'))).toBe(true)
    })
  })

  it('is a tree to a screen reader, which goes through it by keyboard', async () => {
    await inBrowser(shop, async ({ page }) => {
      await page.focus('#outline [tabindex="0"]')
      for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight'] as const) await page.keyboard.press(key)
      const tree = await page.$('#outline')
      const { role, name, children = [] } = (await page.accessibility.snapshot({ root: tree! }))!
      expect([role, name]).toEqual(['tree', 'What is in it'])
      const items = children.map((item) => [item.role, item.name, item.expanded ?? null, item.selected ?? false])
      expect(items).toEqual([
        ['treeitem', 'usr/lib/, 40.0 MB', false, false],
        ['treeitem', 'app/, 15.0 MB (+6.0 MB)', true, false],
        ['treeitem', 'bin/, 1.0 MB', false, false],
      ])
      const focused = await page.evaluate('document.activeElement.getAttribute("aria-label")')
      expect(focused).toBe('node_modules/typescript/lib/, 12.0 MB (+3.0 MB)')
      await page.keyboard.press('Enter')
      expect(await textsOf(page, '#crumbs li')).toEqual(['api', 'app/', 'node_modules/typescript/lib/'])
    })
  })

  it('has each image of the run, and says why one cannot be shown', async () => {
    const other = { ...head, name: 'worker' }
    await inBrowser(pageOf(pageImage(head, base), pageImage(other, null)), async ({ page }) => {
      expect(await textsOf(page, '#image option')).toEqual(['api (linux/amd64)', 'worker (linux/amd64)'])
      await page.select('#image', '1')
      await page.waitForFunction('document.title.startsWith("worker")')
      expect(await textOf(page, '#totals')).toBe('56.0 MB')
      expect(await page.$$eval('input[name=show]:disabled', (inputs) => inputs.length)).toBe(2)
    })
  })

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('fits its window: %s, %i pixels wide', async (scheme, width) => {
    await inBrowser(
      shop,
      async ({ page }) => {
        const wide = await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
        expect(wide).toEqual([width, width])
      },
      { width, height: 844, dark: scheme === 'dark' },
    )
  })
})

describe('what an image calls its files', () => {
  const names = [
    '</script><script>window.hacked = 1</script>',
    '<img src=x onerror="window.hacked = 1">',
    '--><!--',
    '__proto__',
    'constructor',
    '\u202Egnp.exe',
    'a\u0000b\u001B[31m\n\u2028',
    '\uD800',
    'x'.repeat(4096),
    '',
    '&lt;b&gt;',
    'javascript:alert(1)',
  ]
  const hostile = anImage(
    names.map((name) => aLayer(`RUN ${name}`, { file: name.slice(0, 200) || null, line: 1 })),
    names.map((name, at) =>
      aFile(`/${name.replaceAll('/', '∕')}/${name.replaceAll('/', '∕')}`, 1000 + at, at, { package: at }),
    ),
    { packages: names.map((name) => aPackage('npm', name, { version: name, path: `/${name}` })), name: names[0]! },
  )

  it('is shown as text, and nothing else, wherever it stands', async () => {
    await inBrowser(pageOf(pageImage(hostile, null)), async ({ page }) => {
      const elements = () =>
        page.evaluate(
          '[document.querySelectorAll("body img, body b, body iframe, body object").length, window.hacked === undefined]',
        )
      for (const by of ['folder', 'package', 'layer']) {
        await page.click(`input[value=${by}]`)
        expect(await elements()).toEqual([0, true])
        await page.focus('#map')
        for (let at = 0; at < names.length + 2; at++) {
          await page.keyboard.press('ArrowRight')
          expect(await textOf(page, '#selected-heading')).not.toMatch(/[\p{Cc}\u202E\u2028]/u)
        }
        await page.keyboard.press('Enter')
      }
      await page.type('#search', '<img')
      await drawn(page)
      expect(await textOf(page, '#found')).toMatch(/^1 file/)
      expect(await elements()).toEqual([0, true])
      expect(await page.$$eval('script', (scripts) => scripts.map(({ type }) => type))).toEqual([
        'application/octet-stream',
        'application/octet-stream',
        'module',
      ])
    })
  })

  it('could do nothing if it were more than text: the policy lets no other script run, and nothing be loaded', async () => {
    const { page, said, close } = await openPage(browser, shop)
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="https://evil.example/x" onerror="window.hacked = 1">')`,
    )
    await page.evaluate(
      `{ const made = document.createElement('script'); made.textContent = 'window.hacked = 2'; document.body.append(made) }`,
    )
    expect(await page.evaluate(`fetch('https://evil.example/').catch((error) => error.message)`)).toBe(
      'Failed to fetch',
    )
    await drawn(page)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    for (const refused of ['inline event handler', 'inline script', 'image', 'Connecting to'])
      expect(said).toContainEqual(
        expect.stringMatching(new RegExp(`${refused}.* violates the following Content Security Policy`)),
      )
    await close()
  })
})

it('draws 200,000 files in 1 GB, and finds one', async () => {
  const { head: large, base: smaller } = aLargeChange(200_000)
  await inBrowser(pageOf(pageImage(large, smaller)), async ({ page }) => {
    expect(await textOf(page, '#facts')).toContain('200,000 files')
    await page.type('#search', 'build/out-7.o')
    await drawn(page)
    expect(await textsOf(page, '#hits li')).toEqual([expect.stringMatching(/^\/tmp\/build\/out-7\.o – /)])
  })
})
