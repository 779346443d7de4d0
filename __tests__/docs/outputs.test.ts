import { describe, expect, it } from '@jest/globals'
import { parseBudgetFile } from '../../src/inputs/budget-file.ts'
import { renderRecorded } from '../../src/report/record.ts'
import { blocksOf, pages, readPage } from '../support/documentation.ts'

const pictures = (html: string): string[] =>
  [...html.matchAll(/\s(?:src|srcset)="([^"]+)"/g)].map(([, address = '']) => address)

describe('what the documentation says that the product writes', () => {
  it('has the badge and the chart where the action puts them', () => {
    const summary = renderRecorded({
      action: 'recorded',
      isNew: true,
      reason: null,
      branch: 'image-budget',
      images: [{ name: 'api', platform: 'linux/amd64', folder: 'api/linux-amd64' }],
      repositoryUrl: 'https://github.com/OWNER/REPO',
      isPrivate: true,
    })
    const shown = pages
      .flatMap((page) => blocksOf(page, readPage(page)))
      .filter(({ language }) => language === 'html')
      .flatMap(({ text }) => pictures(text))
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.filter((address) => !pictures(summary).includes(address))).toEqual([])
  })

  it('has what a wrong key of a budget file is answered with', () => {
    const text = 'context: api\n\n\n\n\n\nmax_size: 1 MB\n'
    const { problems } = parseBudgetFile(new TextEncoder().encode(text), '.github/image-budget.yml')
    const [problem = ''] = problems
    const said = blocksOf('docs/configuration.md', readPage('docs/configuration.md')).map((block) => block.text)
    expect(said.some((block) => block.includes(problem) && problem !== '')).toBe(true)
  })
})
