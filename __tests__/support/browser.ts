import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { launch, type Browser, type Page } from 'puppeteer-core'

/** Where a browser lies: Debian's, the one of GitHub's runners. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']

export function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROME_PATH'] ?? PLACES.find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('no Chromium: apt-get install --no-install-recommends chromium')
  // Containers have no user namespaces and little shared memory; what is opened is made here.
  return launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A page that was opened, and all that it did besides showing itself. */
export type Opened = {
  page: Page
  /** What it said on its console, violations of its policy among it. */
  said: string[]
  /** Addresses that it asked for, but for its own. */
  requested: string[]
  /** Milliseconds until the map was drawn. */
  took: number
  close: () => Promise<void>
}

/** Opens a file of that content and waits until it has drawn. */
export async function openPage(
  browser: Browser,
  html: string,
  { width = 1280, height = 800, dark = false }: { width?: number; height?: number; dark?: boolean } = {},
): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'image-budget-page-'))
  const file = join(folder, 'image-budget.html')
  writeFileSync(file, html)
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  const said: string[] = []
  const requested: string[] = []
  page.on('console', (message) => void said.push(message.text()))
  page.on('pageerror', (error) => void said.push(String(error)))
  const own = pathToFileURL(file).href
  page.on('request', (request) => {
    if (request.url() !== own) requested.push(request.url())
  })
  await page.setViewport({ width, height })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }])
  const start = performance.now()
  await page.goto(own)
  await page.waitForSelector('html[data-ready]')
  const took = performance.now() - start
  const close = async (): Promise<void> => {
    await context.close()
    rmSync(folder, { recursive: true })
  }
  return { page, said, requested, took, close }
}
