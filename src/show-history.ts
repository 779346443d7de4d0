import type { Exec, OpenOutput } from './exec.ts'
import { CouldNotMeasure } from './failure.ts'
import { readBranch, tagsOf, type Branch } from './git/branch.ts'
import { openRepository } from './git/git.ts'
import { normalisePlatform } from './image/source/manifests.ts'
import { LAST_SHOWN } from './inputs/commands.ts'
import type { HistoryCommand } from './inputs/command-line.ts'
import { parseInputs } from './inputs/inputs.ts'
import { imagesOn, type ImageOnBranch } from './record/images.ts'
import { readPoints } from './record/store.ts'
import { oneLine } from './report/characters.ts'
import {
  renderHistoryCsv,
  renderHistoryJson,
  renderHistoryTable,
  type Histories,
  type ImageHistory,
} from './report/history.ts'
import type { TerminalOptions } from './report/lines.ts'
import { version } from './version.ts'

/** The world, as far as `history` touches it. */
export type HistoryWorld = {
  exec: Exec
  openOutput: OpenOutput
  /** A folder in the repository. */
  cwd: string
  warn: (text: string) => void
}

/** Tags that are looked at, the latest. */
const TAGS_MAX = 1_000

/**
 * What the data branch has of the images that are asked for, as text in the form that is asked for. Throws CouldNotMeasure where there is
 * no data branch or nothing of what is asked for on it, and where it cannot be read.
 */
export async function showHistory(
  command: HistoryCommand,
  { exec, openOutput, cwd, warn }: HistoryWorld,
  terminal: TerminalOptions,
): Promise<string> {
  const { name, dataBranch } = parseInputs(command.values)
  const repository = await openRepository(exec, cwd)
  const branch = await readBranch(openOutput, repository, dataBranch, { fetch: !command.offline }, null)
  if (branch === null)
    throw noRecords(`There is no branch \`${dataBranch}\`${command.offline ? ' in the clone' : ''}.`, command)
  if (branch.unasked !== null)
    warn(`The branch \`${dataBranch}\` is shown as the last fetch left it: ${branch.unasked}.`)

  const { images, unknown } = await imagesOn(branch, name)
  for (const folder of unknown)
    warn(`Nothing tells the name of the image in \`${folder}\` of the branch \`${dataBranch}\`: it is left out.`)
  const recorded = await withPoints(branch, images)
  if (recorded.length === 0) throw noRecords(`The branch \`${dataBranch}\` has no records.`, command)
  const platform = command.platform === null ? null : normalisePlatform(command.platform)
  const histories: Histories = {
    images: wantedOf(recorded, name, platform),
    releases: await tagsOf(repository, TAGS_MAX),
    last: command.last,
  }
  switch (command.form) {
    case 'csv':
      return renderHistoryCsv(histories)
    case 'json':
      return renderHistoryJson(histories, { version, branch: dataBranch, commit: branch.commit })
    case 'table':
      return renderHistoryTable({ ...histories, last: command.last ?? LAST_SHOWN }, terminal)
  }
}

function noRecords(message: string, { offline }: HistoryCommand): CouldNotMeasure {
  const remedies = [
    ...(offline ? ['Without `--offline` the remote is asked.'] : []),
    'Records are made by the action, on each push to the default branch, where its job has the permission `contents: write` (docs/history.md).',
    '`--data-branch` names another branch.',
  ]
  return new CouldNotMeasure('missing', message, { remedy: remedies.join(' ') })
}

async function withPoints(branch: Branch, images: ImageOnBranch[]): Promise<ImageHistory[]> {
  const found: ImageHistory[] = []
  for (const { name, platform } of images) {
    const points = await readPoints(branch, name, platform)
    if (points.length > 0) found.push({ name, platform, points })
  }
  return found
}

/** The images that are asked for; null: whatever there is. Throws CouldNotMeasure `input` with what there is where there is none of them. */
function wantedOf<T extends ImageOnBranch>(recorded: T[], name: string | null, platform: string | null): T[] {
  const named = recorded.filter((image) => name === null || image.name === name)
  if (named.length === 0)
    throw new CouldNotMeasure('input', `There is no record of an image \`${name}\`.`, {
      remedy: `\`--name\` takes what there is: ${listed(recorded.map((image) => image.name))}.`,
    })
  const wanted = named.filter((image) => platform === null || image.platform === platform)
  if (wanted.length === 0)
    throw new CouldNotMeasure('input', `There is no record for \`${platform}\`.`, {
      remedy: `\`--platform\` takes what there is: ${listed(named.map((image) => image.platform))}.`,
    })
  return wanted
}

const LISTED = 50

function listed(names: string[]): string {
  const all = [...new Set(names)]
  const shown = all.slice(0, LISTED).map((each) => `\`${oneLine(each)}\``)
  return `${shown.join(', ')}${all.length > LISTED ? `, … (${all.length})` : ''}`
}
