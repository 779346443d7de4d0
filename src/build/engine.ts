import { within, type Clock } from '../clock.ts'
import { CouldNotMeasure } from '../failure.ts'

/**
 * Where the engine keeps images; decides which metrics can be had without reading the image's bytes.
 * `classic`: Docker's graph drivers (unpacked layers). `containerd`: Docker's containerd image store.
 * `buildkit`: a BuildKit of its own (docker-container, remote, kubernetes and cloud builders).
 */
export type Store = 'classic' | 'containerd' | 'buildkit'

/** What built and measured the image. Measurements of unlike stores are never compared. */
export type Engine = {
  /** buildx's name of the builder's driver: `docker`, `docker-container`, `remote`, `kubernetes`, `cloud`. */
  driver: string
  store: Store
  /** Version of the Docker engine, or of BuildKit for the other drivers. */
  version: string
  buildx: string
}

/** Whether what was built can be read back from the build's record (`docker buildx history inspect attachment`): not before Docker 24. */
export function keepsRecords({ driver, version }: Engine): boolean {
  const major = /^v?(\d+)\./.exec(version)?.[1]
  return driver !== 'docker' || major === undefined || Number(major) >= 24
}

/** What is left where there is no engine to be had: a hosted runner with macOS, say. */
export const NO_ENGINE_NEEDED = 'An image in a registry (`image: docker://…`) is measured without an engine.'

/** A busy engine takes seconds for its first word; one that hangs takes the connection and never says any. */
const ANSWERS_WITHIN_MS = 60_000

/** What is asked of Docker first; `ask` is to obey the signal. Throws CouldNotMeasure `precondition` where nothing was said for a minute. */
export function whereItAnswers<T>(clock: Clock, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const silent = (): CouldNotMeasure =>
    new CouldNotMeasure(
      'precondition',
      `Docker does not answer: it has said nothing for ${ANSWERS_WITHIN_MS / 1000} seconds.`,
      {
        remedy: `\`docker info\` must answer; where it does not, restart Docker (or the builder). ${NO_ENGINE_NEEDED}`,
      },
    )
  return within(clock, ANSWERS_WITHIN_MS, ask, silent)
}
