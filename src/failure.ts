/** What kind of obstacle kept us from measuring: decides the wording of the report, never the exit code (always 2). */
export type FailureKind = 'input' | 'precondition' | 'git' | 'build' | 'measure' | 'missing' | 'cancelled' | 'internal'

/** A failure as plain data: what the report carries. */
export type Failure = {
  kind: FailureKind
  /** One or more sentences; names the thing that failed and the value that was seen. */
  message: string
  /** What the user can do about it, or null where nothing better than the message is known. */
  remedy: string | null
  /** Dockerfile (path relative to the repository's root) and line (1-based) where the failure happened, where known. */
  file: string | null
  line: number | null
  /** The failing Dockerfile instruction as written, where known. */
  instruction: string | null
}

/**
 * The one error that this project throws on purpose: the image could not be measured.
 * Anything else that reaches the door is a bug and is reported as kind `internal`.
 */
export class CouldNotMeasure extends Error {
  readonly failure: Failure

  constructor(kind: FailureKind, message: string, details: Partial<Omit<Failure, 'kind' | 'message'>> = {}) {
    super(message)
    this.name = 'CouldNotMeasure'
    this.failure = { kind, message, remedy: null, file: null, line: null, instruction: null, ...details }
  }
}

/** Any thrown value as a Failure. */
export function toFailure(error: unknown): Failure {
  if (error instanceof CouldNotMeasure) return error.failure
  const message = error instanceof Error ? error.message : String(error)
  return { kind: 'internal', message, remedy: null, file: null, line: null, instruction: null }
}
