import * as fc from 'fast-check'
import type { Report } from '../../src/report/report.ts'
import type { PackageChange, Why } from '../../src/compare/comparison.ts'
import {
  BASE_COMMIT,
  branchHistory,
  budget,
  creepBudget,
  failedImage,
  failure,
  finding,
  layer,
  overImage,
  packageChange,
  part,
  report,
  trend,
} from './reports.ts'

/** What a pull request may put into a path, an instruction, a name or a tool's output, to get out of where it stands. */
// prettier-ignore
const FRAGMENTS = [
  '|', '\\', '\\|', '\\\\|', '`', '``', '```', '~~~', '\n', '\r\n', '\n\n', '\n    ', '\u2028', '\t', ' ', '  ',
  '*', '**', '_', '__', '~~', '# ', '- ', '+ ', '1. ', '> ', '---', '===', '- [ ] ', '[^1]', '[^1]: x', '$x$', '$$',
  '<img src=x onerror=alert(1)>', '<script>', '</details>', '</summary>', '</code>', '</sub>', '<!--', '-->', '<', '>',
  '&lt;', '&#64;octocat', '&', '](https://evil.example)', '![x](https://evil.example/x)', '[x](javascript:1)',
  '[x]: https://evil.example', '<https://evil.example>', 'https://evil.example', 'www.evil.example', 'a@b.example',
  '@octocat', '@org/team', '#1', 'GH-7', 'octo/shop#1', ':tada:', ':', 'mailto:a@b.example', 'FTP://x',
  '\u202E', '\u2066', '\u200B', '\u00AD', '\u001B[31m', '\u001B]8;;https://evil.example\u0007', '\u0000', '\u0001',
  '\uD800', '\u{1F469}\u200D\u{1F680}', '宽', 'é', 'e\u0301', 'x', 'Dockerfile', '14', '%', '..', '/', '(', ')', '{{',
]

/** Strings put together from the above. */
export const hostileString = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 14 }).map((parts) => parts.join(''))

/** A package whose name and version are what an image says. */
function change(name: string, version: string): PackageChange {
  return packageChange({ name, versionBefore: name, versionAfter: version, change: 'updated' })
}

/** Reasons whose paths and packages are what an image says. */
function why(path: string, name: string): Why {
  const packages = [change(name, path), change(path, name)]
  const parts = [part({ path, amount: 2_000_000 }), part({ path: name, ecosystem: 'npm', packages, packageCount: 9 })]
  return { moved: 0, parts: [...parts, part({ path: null, ecosystem: 'dpkg', packages, packageCount: 2 })], rest: 7 }
}

/**
 * A report with an attack wherever a string can come from a pull request; one image, grown, over, with a base image that
 * moved, or one that could not be measured, or both.
 */
export const hostileReport: fc.Arbitrary<Report> = fc
  .record({
    strings: fc.array(hostileString, { minLength: 8, maxLength: 8 }),
    which: fc.constantFrom('over', 'failed', 'both'),
  })
  .map(({ strings, which }) => {
    const [name = '', instruction = '', file = '', ref = '', reason = '', message = '', platform = '', version = ''] =
      strings
    const baseImage = (digest: string) => ({ name: message, digest, line: 1, instruction: message })
    const { checks } = overImage({
      budgets: [budget('max-size', 170_000_000), creepBudget(10_000_000, { kind: 'release' })],
      history: branchHistory({
        releases: branchHistory().points.map(({ commit }) => ({ name: `${message}1`, commit })),
      }),
    })
    const over = overImage({
      verdict: 'over',
      checks: [...checks, { ...checks[1]!, status: 'skipped', reason: 'no-record', why: reason, against: null }],
      name,
      platform,
      engine: { driver: 'docker', store: 'classic', version, buildx: version },
      baseline: { kind: 'build', commit: BASE_COMMIT, ref, reason: null, record: null, passedOver: null },
      baseImage: {
        before: baseImage(ref),
        after: baseImage(reason),
        change: 'changed',
        doing: 'drift',
        growth: null,
        why: why(message, file),
      },
      packages: [change(instruction, version), change(ref, reason)],
      trend: trend().map((record) => Object.assign(record, { commit: ref, at: reason })),
      warnings: [{ rule: name, message: reason, line: 3, url: message }],
      findings: [
        finding({ paths: [file, reason], fix: ['add ', { code: message }], what: [{ code: name }], file, instruction }),
        finding({ paths: [ref], fix: [{ code: version }], what: ['x'], since: 'before', file: ref }),
      ],
      layerChanges: [
        layer({ instruction: reason, fromBase: true }),
        layer({
          change: 'changed',
          sizeAfter: 56_300_000,
          instruction,
          instructionBefore: message,
          file,
          why: why(ref, reason),
        }),
        layer({ change: 'added', sizeBefore: null, instruction: message, file: instruction }),
      ],
    })
    const failed = failedImage({
      name,
      platform,
      error: failure({ message, remedy: reason, file, instruction }),
      baseline: { kind: 'none', commit: null, ref, reason, record: null, passedOver: reason },
    })
    return report({ images: { over: [over], failed: [failed], both: [over, failed] }[which] ?? [] })
  })
