import {
  BLOCK,
  METADATA_LIMIT,
  PayloadMap,
  TOO_MANY_PIECES,
  checkedPieces,
  corrupt,
  decodeName,
  normalisePath,
  oldSparse,
  parseHeader,
  parsePax,
  sparseFormat,
  sparseMapOfRecords,
  sparseSize,
  type PaxRecords,
  type SparseMap,
  type TarHeader,
} from './tar-header.ts'

/** One entry of a tar archive. */
export type TarEntry = {
  /** Relative to the root of the archive, with `/`, as raw bytes decoded (see `decodeName`); no leading `./` or `/`, no trailing `/`. */
  path: string
  type: 'file' | 'link' | 'symlink' | 'directory' | 'character-device' | 'block-device' | 'fifo'
  /** Payload bytes of a regular file (a sparse file's full length); 0 for all else. */
  size: number
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Target of a link or symbolic link, else null. A hard link's is normalised as `path` is; a symbolic link's is as it stands. */
  target: string | null
}

/** What comes next in an archive: an entry, or a piece of the payload of the entry before (valid until the next call). */
export type TarEvent = { entry: TarEntry; sparse: boolean; payload?: never } | { entry?: never; payload: Uint8Array }

/**
 * How each type flag is taken. Hard and symbolic links, devices, folders and fifos have no payload, whatever their size field says.
 * `D` (GNU's incremental dumps) is a folder with a list of names as its payload. Any other flag is a regular file, as POSIX has it.
 */
const TYPES: Record<string, TarEntry['type']> = {
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  D: 'directory',
}

const [OLD_FILE, GNU_SPARSE, GNU_LONG_NAME, GNU_LONG_LINK, GNU_VOLUME, GNU_CONTINUED, PAX, PAX_GLOBAL] = [
  0,
  ...'SLKVMxg'.split('').map((flag) => flag.charCodeAt(0)),
]

const NO_BYTES = Buffer.alloc(0)
const ZEROS = Buffer.alloc(64 * 1024)

/** The payload of an entry that only tells of the next one: what it is, and its bytes. */
type Gathering = { what: 'long-name' | 'long-link' | 'pax' | 'pax-global'; size: number }

/**
 * Reads a tar archive that comes in chunks of any length: `push` a chunk, then ask for what is `next` until it is null. Memory is
 * constant; payload is handed on as slices of the chunks, and not touched where it is skipped. All that it throws is
 * CouldNotMeasure `measure`, a sentence on "it": the archive.
 *
 * Records of a global extended header are checked and have no effect: the engines ignore them.
 */
export class TarParser {
  private chunk: Buffer = NO_BYTES
  private at = 0
  /** Bytes of the chunks before this one, and what was jumped over. */
  private before = 0

  private state: 'header' | 'metadata' | 'old-sparse' | 'sparse-map' | 'payload' | 'end' = 'header'
  private zeroBlocks = 0
  /** A piece that is needed whole and lies in more than one chunk. */
  private partial: Buffer | null = null
  private partialBytes = 0

  /** What has been read of the next entry. */
  private longName = ''
  private longLink = ''
  private pax: PaxRecords | null = null
  private gathering: Gathering = { what: 'pax', size: 0 }
  private header: TarHeader | null = null
  private map: SparseMap | null = null
  private fullSize = 0
  private payloadMap = new PayloadMap()

  /** Of the payload: stored bytes that are to come, and where it stands in the file, whose pieces are in `map`. */
  private stored = 0
  private position = 0
  private size = 0
  private piece = 0
  /** Bytes to pass over, the last `padding` of which only fill a block. */
  private skipping = 0
  private padding = 0

  /** Bytes of the archive that were read: after an entry, where its payload begins. */
  get offset(): number {
    return this.before + this.at
  }

  /** Whether the archive's end marker (two blocks of zeros) has passed: no entry follows. */
  get isOver(): boolean {
    return this.state === 'end'
  }

  /** Hands over the next bytes; those before must have been read (`next` answered null). */
  push(chunk: Uint8Array): void {
    this.before += this.at
    this.chunk = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.at = 0
  }

  /** What comes next; null where that takes more bytes. */
  next(): TarEvent | null {
    for (;;) {
      if (this.skipping > 0) {
        const bytes = Math.min(this.skipping, this.chunk.length - this.at)
        this.at += bytes
        this.skipping -= bytes
        if (this.skipping > 0) return null
      }
      switch (this.state) {
        case 'header': {
          const block = this.take(BLOCK)
          if (!block) return null
          const event = this.readHeader(block)
          if (event) return event
          break
        }
        case 'metadata': {
          const bytes = this.take(this.gathering.size)
          if (!bytes) return null
          this.readMetadata(bytes)
          break
        }
        case 'old-sparse': {
          const block = this.take(BLOCK)
          if (!block) return null
          const { map, more } = oldSparse(block, 'more')
          if (!this.map || this.map.length > METADATA_LIMIT / 12) throw corrupt(TOO_MANY_PIECES)
          this.map.push(...map)
          if (!more) return this.begin()
          break
        }
        case 'sparse-map': {
          if (this.stored < BLOCK) throw corrupt('It is a corrupt tar archive: the map of a sparse file is cut off.')
          const block = this.take(BLOCK)
          if (!block) return null
          this.stored -= BLOCK
          this.map = this.payloadMap.add(block)
          if (this.map) return this.begin()
          break
        }
        case 'payload': {
          if (this.position === this.size) {
            this.finish()
            break
          }
          const payload = this.readPayload()
          return payload ? { payload } : null
        }
        case 'end':
          this.at = this.chunk.length
          return null
      }
    }
  }

  /** Passes over the payload that is left of the entry that came last. */
  skip(): void {
    if (this.state !== 'payload') return
    this.skipping = this.stored
    this.finish()
  }

  /** Tells that up to `available` bytes that are to be passed over need not be handed over; answers how many. */
  jump(available: number): number {
    const bytes = Math.min(this.skipping, available)
    this.skipping -= bytes
    this.before += bytes
    return bytes
  }

  /**
   * Tells that no more bytes follow. Answers whether the archive's end was marked (by a block of zeros); Go's archive/tar, and so the
   * engines, do not insist on that, but without it an archive may have lost its last entries. Throws where it is cut off within an entry.
   */
  end(): boolean {
    if (this.state === 'end') return true
    const isWithin =
      this.state !== 'header' ||
      this.skipping > this.padding ||
      this.partialBytes > 0 ||
      this.pax !== null ||
      this.longName !== '' ||
      this.longLink !== ''
    if (isWithin) throw cutOff(this.offset)
    return this.zeroBlocks > 0
  }

  /** The next `size` bytes in one piece; null where they are not all there yet. Valid until the next call. */
  private take(size: number): Buffer | null {
    const { chunk, at } = this
    const available = chunk.length - at
    if (!this.partial) {
      if (available >= size) {
        this.at += size
        return chunk.subarray(at, at + size)
      }
      if (available === 0) return null
      this.partial = Buffer.allocUnsafe(size)
    }
    const bytes = Math.min(size - this.partialBytes, available)
    chunk.copy(this.partial, this.partialBytes, at, at + bytes)
    this.at += bytes
    this.partialBytes += bytes
    if (this.partialBytes < size) return null
    const whole = this.partial
    this.partial = null
    this.partialBytes = 0
    return whole
  }

  private readHeader(block: Buffer): TarEvent | null {
    if (block[0] === 0 && isZero(block)) {
      this.zeroBlocks += 1
      if (this.zeroBlocks === 2) this.state = 'end'
      return null
    }
    if (this.zeroBlocks > 0) throw corrupt('It is a corrupt tar archive: more follows after a block of zeros.')
    const header = parseHeader(block)
    const { flag } = header
    if (flag === PAX) this.gather('pax', header)
    else if (flag === PAX_GLOBAL) this.gather('pax-global', header)
    else if (flag === GNU_LONG_NAME) this.gather('long-name', header)
    else if (flag === GNU_LONG_LINK) this.gather('long-link', header)
    else if (flag === GNU_CONTINUED) throw corrupt('It is a part of a multi-volume tar archive.')
    else return this.readEntry(header, block)
    return null
  }

  private gather(what: Gathering['what'], { size }: TarHeader): void {
    if (size === null || size > METADATA_LIMIT) {
      throw corrupt(`It has an extended header or a name that is longer than ${METADATA_LIMIT} bytes.`)
    }
    this.gathering = { what, size }
    this.state = 'metadata'
  }

  private readMetadata(bytes: Buffer): void {
    const { what, size } = this.gathering
    if (what === 'pax') this.pax = parsePax(bytes)
    else if (what === 'pax-global') {
      parsePax(bytes)
      this.forget()
    } else {
      const nul = bytes.indexOf(0)
      const name = decodeName(nul === -1 ? bytes : bytes.subarray(0, nul))
      if (what === 'long-name') this.longName = name
      else this.longLink = name
    }
    this.state = 'header'
    this.skipPadding(size)
  }

  private readEntry(header: TarHeader, block: Buffer): TarEvent | null {
    this.header = header
    const { pax } = this
    header.size = pax?.size ?? header.size
    const sparse = pax ? sparseFormat(pax) : null
    const isFile = TYPES[String.fromCharCode(header.flag)] === undefined && !this.isOldFolder(header)
    if (!isFile && header.flag !== 'D'.charCodeAt(0)) {
      if (sparse) throw corrupt('It is a corrupt tar archive: an entry that is no file is sparse.')
      header.size = 0
    }
    if (header.size === null || header.size < 0 || !Number.isSafeInteger(header.size)) {
      throw corrupt('It is no tar archive, or a corrupt one: an entry has an impossible size.')
    }
    this.stored = header.size
    this.fullSize = header.size
    this.padding = (BLOCK - (this.stored % BLOCK)) % BLOCK
    if (header.flag === GNU_SPARSE) {
      if (!header.isGnu) throw corrupt('It is a corrupt tar archive: a sparse file is not in GNU format.')
      const { map, more, size } = oldSparse(block, 'main')
      this.map = map
      this.fullSize = size
      if (more) this.state = 'old-sparse'
      return more ? null : this.begin()
    }
    if (pax && sparse) {
      this.fullSize = sparseSize(pax) ?? header.size
      if (sparse === 'records') this.map = sparseMapOfRecords(pax)
      else {
        this.payloadMap = new PayloadMap()
        this.state = 'sparse-map'
        return null
      }
    }
    return this.begin()
  }

  /** In archives older than POSIX a folder is a file whose name ends with a slash. */
  private isOldFolder({ flag, name }: TarHeader): boolean {
    return flag === OLD_FILE && (this.longName || (this.pax?.path ?? name)).endsWith('/')
  }

  /** Makes the entry of all that was read of it; its payload is next. Null for what is no entry. */
  private begin(): TarEvent | null {
    const { header, pax, map } = this
    if (!header) throw new Error('an entry without a header')
    const type = this.isOldFolder(header) ? 'directory' : (TYPES[String.fromCharCode(header.flag)] ?? 'file')
    const sparseName = pax && map ? pax.sparse.get('name') : undefined
    const target = this.longLink || (pax?.linkpath ?? header.linkName)
    const entry: TarEntry = {
      path: normalisePath(sparseName ?? (this.longName || (pax?.path ?? header.name))),
      type,
      size: type === 'file' ? this.fullSize : 0,
      mode: header.mode & 0o7777,
      uid: pax?.uid ?? header.uid,
      gid: pax?.gid ?? header.gid,
      target: type === 'link' ? normalisePath(target) : type === 'symlink' ? target : null,
    }
    if (map) this.map = checkedPieces(map, this.fullSize, this.stored)
    this.forget()
    this.state = 'payload'
    this.size = entry.size
    this.position = 0
    this.piece = 0
    // The payload of a folder or a label is not content.
    if (type !== 'file' || header.flag === GNU_VOLUME) this.skip()
    return header.flag === GNU_VOLUME ? null : { entry, sparse: map !== null }
  }

  private forget(): void {
    this.longName = ''
    this.longLink = ''
    this.pax = null
  }

  /** A piece of the payload: what lies in the chunk of it, or zeros where a sparse file has a hole. */
  private readPayload(): Buffer | null {
    const { map } = this
    if (map && this.position === (map[this.piece] ?? 0) + (map[this.piece + 1] ?? 0)) this.piece += 2
    const offset = map ? (map[this.piece] ?? this.size) : 0
    const end = map ? offset + (map[this.piece + 1] ?? 0) : this.size
    if (this.position < offset) {
      const zeros = ZEROS.subarray(0, offset - this.position)
      this.position += zeros.length
      return zeros
    }
    const payload = this.chunk.subarray(this.at, this.at + end - this.position)
    if (payload.length === 0) return null
    this.at += payload.length
    this.stored -= payload.length
    this.position += payload.length
    return payload
  }

  private finish(): void {
    this.stored = 0
    this.map = null
    this.header = null
    this.state = 'header'
    this.skipping += this.padding
  }

  private skipPadding(size: number): void {
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK
    this.skipping = this.padding
  }
}

function isZero(block: Buffer): boolean {
  for (const byte of block) if (byte !== 0) return false
  return true
}

function cutOff(offset: number): Error {
  return corrupt(`It is cut off: the archive ends after ${offset} bytes, within an entry.`)
}

/** The archive is whole, as far as it goes, but its end is not marked. */
export function withoutEnd(offset: number): Error {
  return corrupt(`It is cut off: the archive ends after ${offset} bytes, without its end marker.`)
}

/**
 * The entries of an archive in its order, one at a time. An entry's payload can be read until the next entry is asked for; what is not
 * read by then is skipped. The source is read no faster than that, to its end, or to the archive's end marker where `until` says so, and
 * is let go of when the caller stops early.
 * Throws CouldNotMeasure `measure` where the archive is cut off or corrupt; and what the source throws.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  until: 'source-ends' | 'end-marker' = 'source-ends',
): AsyncGenerator<{ entry: TarEntry; payload: AsyncIterable<Uint8Array> }> {
  const parser = new TarParser()
  const chunks = source[Symbol.asyncIterator]()
  /** Of a payload that its reader has turned away from while it was asked for: the parser takes one question at a time. */
  let asked: Promise<unknown> = Promise.resolve()
  async function next(): Promise<TarEvent | null> {
    for (;;) {
      const event = parser.next()
      if (event || (parser.isOver && until === 'end-marker')) return event
      const { done, value } = await chunks.next()
      if (done) {
        if (!parser.end()) throw withoutEnd(parser.offset)
        return null
      }
      parser.push(value)
    }
  }
  try {
    for (;;) {
      const event = await next()
      if (!event) return
      const { entry } = event
      if (!entry) continue
      let left = entry.size
      async function* payload(): AsyncGenerator<Uint8Array> {
        while (left > 0) {
          const coming = next()
          asked = coming
          const bytes = (await coming)?.payload
          if (!bytes) return
          left -= bytes.length
          yield bytes
        }
      }
      yield { entry, payload: payload() }
      await asked
      left = 0
      parser.skip()
    }
  } finally {
    await chunks.return?.()
  }
}

/** What is needed of a file that is read at any place: `FileHandle` of node:fs/promises has it. */
export type RandomAccess = {
  read: (buffer: Buffer, offset: number, length: number, position: number) => Promise<{ bytesRead: number }>
  stat: () => Promise<{ size: number }>
}

/**
 * The members of an uncompressed archive in a file, and where the payload of each begins (bytes from the file's begin; null for a sparse
 * file, whose content is not there in one piece). Payloads are not read: it takes a read or two for each member, whatever its size.
 * Throws CouldNotMeasure `measure` where the archive is cut off or corrupt.
 */
export async function* indexTar(file: RandomAccess): AsyncGenerator<{ entry: TarEntry; offset: number | null }> {
  const parser = new TarParser()
  const { size } = await file.stat()
  for (let position = 0; position < size;) {
    // What the parser hands out points into the buffer, so each read has its own.
    const buffer = Buffer.allocUnsafe(16 * BLOCK)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) break
    position += bytesRead
    parser.push(buffer.subarray(0, bytesRead))
    for (let event = parser.next(); event; event = parser.next()) {
      if (!event.entry) continue
      yield { entry: event.entry, offset: event.sparse ? null : parser.offset }
      parser.skip()
    }
    position += parser.jump(size - position)
  }
  if (!parser.end()) throw withoutEnd(parser.offset)
}
