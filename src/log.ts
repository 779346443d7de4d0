/** A named part of the log that is being written. */
export type Section = { line: (text: string) => void; end: () => void }

/** Where the run says what it does. The report is not part of it. */
export type Log = {
  /** Opens a section; several may be open at once, their lines never mix. */
  section: (title: string) => Section
  info: (text: string) => void
  warning: (text: string) => void
  /** So many more bytes of layers were read. */
  read?: (bytes: number) => void
}

/**
 * Sections that are open at once, written one after the other: the first is written as it comes, the others are kept until it
 * ends. `open`, `line` and `close` do the writing.
 */
export function queueSections(write: {
  open: (title: string) => void
  line: (text: string) => void
  close: () => void
}): Log['section'] {
  type Waiting = { title: string; lines: string[]; ended: boolean }
  const queue: Waiting[] = []
  const start = (section: Waiting): void => {
    write.open(section.title)
    for (const text of section.lines.splice(0)) write.line(text)
  }
  return (title) => {
    const section: Waiting = { title, lines: [], ended: false }
    queue.push(section)
    if (queue.length === 1) start(section)
    return {
      line: (text) => {
        if (queue[0] === section) write.line(text)
        else section.lines.push(text)
      },
      end: () => {
        section.ended = true
        while (queue[0]?.ended) {
          write.close()
          queue.shift()
          if (queue[0]) start(queue[0])
        }
      },
    }
  }
}
