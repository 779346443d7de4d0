import { apkReader, type ApkFact } from '../packages/apk.ts'
import { dpkgReader, type DpkgFact } from '../packages/dpkg.ts'
import { goReader, type GoFact } from '../packages/go.ts'
import { javaReader, type JavaFact } from '../packages/java.ts'
import { npmReader, type NpmFact } from '../packages/npm.ts'
import { pythonReader, type PythonFact } from '../packages/python.ts'
import { rpmReader, type RpmFact } from '../packages/rpm.ts'
import { elfReader, type ElfFact } from './elf.ts'
import type { FileReader } from './gather.ts'
import { secretReader, type SecretFact } from './secret.ts'

/** What a file's own bytes tell of it, small: a package that it describes, symbols that it carries, a secret that it holds. */
export type FileFact = ApkFact | DpkgFact | ElfFact | GoFact | JavaFact | NpmFact | PythonFact | RpmFact | SecretFact

/** Each answers at once for the files that it has nothing to tell of. */
const READERS = [
  dpkgReader,
  apkReader,
  rpmReader,
  npmReader,
  pythonReader,
  javaReader,
  secretReader,
  elfReader,
  goReader,
]

/**
 * The readers for a regular file of this path (as `TarEntry` has it: no leading `/`) and size in bytes; none for most. A file may tell
 * several things: a Go program is an ELF file as well.
 */
export function readersOf(path: string, size: number): FileReader<FileFact>[] {
  const readers: FileReader<FileFact>[] = []
  for (const open of READERS) {
    const reader = open(path, size)
    if (reader) readers.push(reader)
  }
  return readers
}
