/** Ids of the rules of advice, as the input `forbid` spells them; docs/advice.md says what each looks for. */
export const RULES = [
  'toolchain',
  'package-cache',
  'dev-dependencies',
  'vcs-and-tests',
  'secrets',
  'removed-later',
  'duplicate-files',
  'debug-symbols',
  'single-stage',
  'context-bloat',
  'root-user',
  'floating-base',
  'layer-count',
] as const
export type RuleId = (typeof RULES)[number]
