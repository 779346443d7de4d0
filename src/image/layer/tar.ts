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
