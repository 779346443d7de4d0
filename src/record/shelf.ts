import type { Release } from './record.ts'

/** Files of the data branch, as they were at one commit of it. Paths are relative to its root, with `/`. */
export type Shelf = {
  /** A file's bytes; null: it is not there. Throws an Error that explains where it cannot be read. */
  read: (path: string) => Promise<Buffer | null>
  /** Names of the files and folders in a folder; null: it is not there. */
  list: (folder: string) => Promise<string[] | null>
}

/** A change of one file of the data branch; `content` null: it goes. */
export type FileChange = { path: string; content: string | Buffer | null }

/** Where records are found, and what the repository tells of its history. All throw an Error that explains what cannot be had. */
export type Records = {
  /** The data branch as it is when it is asked for the first time; null: there is none. */
  open: () => Promise<Shelf | null>
  /** The commit and those that it descends from, nearest first, at most 300. */
  ancestors: (commit: string) => Promise<string[]>
  /** The repository's tags that have a number in them, at most 1,000. */
  releases: () => Promise<Release[]>
}
