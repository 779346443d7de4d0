import type { Report } from './report.ts'

/** The report as JSON (docs/report.md): two spaces, a newline at the end. Keys stand in the order in which the report is made. */
export function renderJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
