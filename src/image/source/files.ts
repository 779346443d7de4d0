import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import { CouldNotMeasure } from '../../failure.ts'
import { parseJson } from '../../json.ts'
import { MAX_DOCUMENT_SIZE } from './manifests.ts'

/**
 * The files of an image that lies in files, wherever these are: in a folder, in a tar archive, in a stream that passed by.
 * A path (`index.json`, `blobs/sha256/HEX`) is a key that names one of them, nothing more.
 */
export type ImageFiles = {
  /** The reference without the image's name, for messages: `oci:DIR`, `docker-archive:FILE`. */
  place: string
  /** The whole of a document; null where there is none. Throws CouldNotMeasure `measure` for one of more than MAX_DOCUMENT_SIZE bytes. */
  read: (path: string) => Promise<Buffer | null>
  /** Bytes of a layer's content as stored; null where there is none. */
  size: (path: string) => Promise<number | null>
  /** The content of a layer, as stored; null where there is none. */
  open: (path: string) => Promise<Readable | null>
}

/** Bytes that are read from a file at a time, and gathered of what an engine sends: unpacking fewer at a time costs more. */
export const READ_SIZE = 1024 * 1024

/**
 * The document at a path, in the shape that is expected; null where there is none.
 * Throws CouldNotMeasure `measure` naming the path. What the document says is not told: it may be any file of the machine, linked here.
 */
export async function readDocument<T>(files: ImageFiles, path: string, shape: z.ZodType<T>): Promise<T | null> {
  const bytes = await files.read(path)
  return bytes === null ? null : parseDocument(bytes, shape, `${path} in \`${files.place}\``)
}

/** A JSON document in the shape that is expected. Throws CouldNotMeasure `measure` naming it. */
export function parseDocument<T>(bytes: Buffer, shape: z.ZodType<T>, what: string): T {
  const value = parseJson(bytes)
  if (value === undefined) throw new CouldNotMeasure('measure', `${what} is not JSON.`)
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.length ? ` at \`${issue.path.join('.')}\`` : ''
  throw new CouldNotMeasure('measure', `${what} is not what it should be${where}.`)
}

/**
 * Opens a regular file for reading; null where there is none. A link is followed (Bazel makes layouts of links): all that is read is
 * checked against a digest, or has to be of a shape. What is no regular file (a pipe, a device) is refused, and never waited for.
 */
export async function openFile(path: string): Promise<FileHandle | null> {
  let handle: FileHandle | null = null
  try {
    // oxlint-disable-next-line no-bitwise -- flags of open(2)
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const found = await handle.stat()
    if (found.isFile()) return handle
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw new CouldNotMeasure('precondition', `\`${path}\` cannot be read: ${reason(error)}.`)
  }
  await handle.close()
  throw new CouldNotMeasure('measure', `\`${path}\` is not a file.`)
}

/** The whole of a document's file, which is closed then. `what` names it. Throws CouldNotMeasure `measure` where it is too large. */
export async function readWhole(file: FileHandle, what: string): Promise<Buffer> {
  try {
    const { size } = await file.stat()
    if (size > MAX_DOCUMENT_SIZE) throw tooLarge(what)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** Chunks in one piece; each chunk has to be valid only until the next one comes. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

/** The error for a document that is larger than any real one. */
export function tooLarge(what: string): CouldNotMeasure {
  return new CouldNotMeasure(
    'measure',
    `\`${what}\` has more than ${MAX_DOCUMENT_SIZE} bytes: it is no JSON document of an image.`,
  )
}

/** A system error in words: `permission denied`. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return /^[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? code ?? message
}

/** The error for a tar archive whose reader threw a sentence on "it". Any other error stays what it is. */
export function unreadable(place: string, error: unknown): unknown {
  if (!(error instanceof CouldNotMeasure)) return error
  const { kind, message, remedy } = error.failure
  return new CouldNotMeasure(kind, `\`${place}\` cannot be read. ${message}`, { remedy })
}
