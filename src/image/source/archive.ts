import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { CouldNotMeasure } from '../../failure.ts'
import { indexTar } from '../layer/tar.ts'
import { detectCompression, unpack } from '../layer/unpack.ts'
import { gather, openFile, READ_SIZE, reason, tooLarge, unreadable, type ImageFiles } from './files.ts'
import { layoutImages } from './layout.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'
import { createMembers } from './members.ts'
import { savedImages } from './saved.ts'
import type { Source } from './source.ts'
import { readStream } from './stream.ts'

/**
 * `docker-archive:FILE[:REF]`: what `docker save` writes, of any engine, or skopeo, podman, kaniko, Bazel, Nix and Jib in its place. REF is
 * `name[:tag]`, or `@INDEX` for the place in its `manifest.json`; it may be left out where there is one image.
 * The file may be packed by gzip or zstd, or be a pipe: then it is read in one pass, with all layers where content is asked for.
 */
export function dockerArchive(file: string, name: string | null): Source {
  return archiveSource('docker-archive', file, name, savedImages)
}

/** `oci-archive:FILE[:REF]`: an OCI layout in a tar file; REF as for `oci:DIR`, the file as for `docker-archive:`. */
export function ociArchive(file: string, name: string | null): Source {
  return archiveSource('oci-archive', file, name, layoutImages)
}

function archiveSource(transport: string, file: string, name: string | null, readImages: typeof layoutImages): Source {
  const place = `${transport}:${file}`
  return {
    images: async (wanted) =>
      (await isPlain(file))
        ? readImages(await tarFiles(place, file), name, wanted)
        : readStream(unpacked(place, file), place, name, wanted, readImages),
    close: async () => {},
  }
}

/**
 * Whether the file can be read at any place and is not packed.
 * Throws CouldNotMeasure where there is no file.
 */
async function isPlain(file: string): Promise<boolean> {
  const found = await stat(file).catch((error: unknown) => {
    throw new CouldNotMeasure('precondition', `There is no file \`${file}\`: ${reason(error)}.`, {
      remedy: 'Check the path; the step that writes it has to run before this one.',
    })
  })
  if (found.isDirectory()) {
    throw new CouldNotMeasure('precondition', `\`${file}\` is a folder, not an archive.`, {
      remedy: `Write \`oci:${file}\` for an OCI layout's folder.`,
    })
  }
  if (found.isFIFO()) return false
  const handle = await openFile(file)
  if (!handle) throw new CouldNotMeasure('precondition', `There is no file \`${file}\`.`)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    if (bytesRead === 0) throw new CouldNotMeasure('measure', `\`${file}\` is empty.`)
    return detectCompression(buffer.subarray(0, bytesRead)) === 'none'
  } finally {
    await handle.close()
  }
}

/** The content of a file that may be packed. */
async function* unpacked(place: string, file: string): AsyncGenerator<Uint8Array> {
  try {
    // Of a pipe at most 64 KiB come at a time, whatever is asked for.
    yield* (await unpack(createReadStream(file))).chunks
  } catch (error) {
    throw unreadable(place, error)
  }
}

/** The files in a tar archive, found by reading its headers alone: it takes milliseconds, whatever the file's size. */
async function tarFiles(place: string, file: string): Promise<ImageFiles> {
  const members = createMembers<{ start: number; size: number }>()
  const handle = await openFile(file)
  if (!handle) throw new CouldNotMeasure('precondition', `There is no file \`${file}\`.`)
  try {
    for await (const { entry, offset } of indexTar(handle)) {
      // A sparse member's content does not lie in one piece; of an image's files none is sparse.
      const isContent = entry.type === 'file' && offset !== null
      members.add(entry, isContent ? { start: offset, size: entry.size } : null)
    }
  } catch (error) {
    throw unreadable(place, error)
  } finally {
    await handle.close()
  }

  async function openAt(path: string): Promise<Readable | null> {
    const found = members.get(path)
    if (!found) return null
    const { start, size } = found
    if (size === 0) return Readable.from([])
    const source = await openFile(file)
    return source && source.createReadStream({ start, end: start + size - 1, highWaterMark: READ_SIZE })
  }

  return {
    place,
    size: (path) => Promise.resolve(members.get(path)?.size ?? null),
    open: openAt,
    read: async (path) => {
      if ((members.get(path)?.size ?? 0) > MAX_DOCUMENT_SIZE) throw tooLarge(`${path} in \`${place}\``)
      const content = await openAt(path)
      return content && gather(content)
    },
  }
}
