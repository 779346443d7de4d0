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
