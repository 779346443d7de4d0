/**
 * Pictures of the page with an invented change, as a browser shows it: `node scripts/page-pictures.ts [FOLDER]` writes `explore.png`,
 * `explore-dark.png` and `explore-phone.png`; without a folder those in docs/images.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPage, startBrowser } from '../__tests__/support/browser.ts'
import { aShopChange, pageImage, pageOf } from '../__tests__/support/pages.ts'

const PICTURES: Record<`${string}.png`, Parameters<typeof openPage>[2]> = {
  'explore.png': { width: 1200, height: 720 },
  'explore-dark.png': { width: 1200, height: 720, dark: true },
  'explore-phone.png': { width: 390, height: 844 },
}

const folder = process.argv[2] ?? fileURLToPath(new URL('../docs/images', import.meta.url))
mkdirSync(folder, { recursive: true })
const { head, base } = aShopChange()
const html = pageOf(pageImage(head, base))
const browser = await startBrowser()
for (const [name, options] of Object.entries(PICTURES)) {
  const { page, close } = await openPage(browser, html, options)
  // Something is chosen: what grew most.
  await page.focus('#map')
  for (const key of ['ArrowRight', 'ArrowRight'] as const) await page.keyboard.press(key)
  await page.screenshot({ path: `${folder}/${name}` as `${string}.png` })
  await close()
  console.log(join(folder, name))
}
await browser.close()
