/** Stand-in until the engines' own branch is merged. */
import { delimiter } from 'node:path'

export type Store = 'classic' | 'containerd'
export type TestEngine = { store: Store; env: Record<string, string> }

const ENGINES = '/var/tmp/image-budget-engines'

export function engines(): TestEngine[] {
  return (['classic', 'containerd'] as const).map((store) => ({
    store,
    env: {
      DOCKER_HOST: `unix://${ENGINES}/${store}/docker.sock`,
      DOCKER_CONFIG: `${ENGINES}/${store}/config`,
      PATH: [`${ENGINES}/packages/usr/bin`, process.env.PATH].join(delimiter),
    },
  }))
}
