import { resolveImages } from './manifests.ts'
import type { RegistryClient, RegistryReference } from './registry-client.ts'
import type { Source } from './source.ts'

/**
 * `docker://REF`: an image in a registry. Manifests and configs alone are read until a layer is opened. References that share a
 * client share what it has read: a second one with the same digest costs one HEAD.
 */
export function createRegistrySource(reference: RegistryReference, client: RegistryClient): Source {
  const closed = new AbortController()
  return {
    images: async ({ platforms, leftOut }) => {
      const top = await client.resolve(reference)
      const read = (digest: string, kind: 'manifest' | 'config'): Promise<Uint8Array> =>
        client.readDocument(reference, digest, kind)
      const images = await resolveImages(reference.text, read, [top], platforms, leftOut)
      return images.map(({ digest, config, packed }) => ({
        digest,
        config,
        packed,
        openLayer: (at) => client.openBlob(reference, packed.layers[at]!, closed.signal),
      }))
    },
    close: () => {
      closed.abort()
      return Promise.resolve()
    },
  }
}
