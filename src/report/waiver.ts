import { isWaivable, shownOf, waive, type AskWaivers, type Shown } from '../budget/waiver.ts'
import { worstVerdict } from '../budget/verdict.ts'
import type { Report } from './report.ts'

/**
 * The report with what was accepted of the growth that breaks a budget: that is not held against the change. `key`: of the comment that
 * keeps what was accepted. `ask` null: nobody can accept anything.
 */
export async function withWaiver(report: Report, ask: AskWaivers | null, key: string): Promise<Report> {
  if (ask === null || !report.images.some(({ checks }) => checks.some(isWaivable))) return report
  const { label, set, shown, problem } = await ask(key, shownIn(report))
  const images = report.images.map((image) => waive(image, shown))
  return {
    ...report,
    images,
    verdict: worstVerdict(images.map(({ verdict }) => verdict)),
    waiver: { label, by: set?.by ?? null, at: set?.at ?? null, problem },
  }
}

/** What a report shows that can be accepted: of images that did not grow there is nothing. */
export function shownIn({ images }: Report): Shown[] {
  return images.flatMap((image) => shownOf(image) ?? []).filter(isGrowing)
}

function isGrowing({ growth: { size, downloadSize, layers }, parts }: Shown): boolean {
  return parts.length > 0 || [size, downloadSize, layers].some((amount) => (amount ?? 0) > 0)
}
