/** A budget file of another repository. */
export type Extended = {
  owner: string
  repository: string
  path: string
  /** Branch, tag or commit; null: the default branch. */
  ref: string | null
}

/** What `extends` takes, for errors. */
export const EXTENDS_FORM =
  'a budget file of another repository of the same owner, as `uses` names a workflow: `owner/repository/path.yml`, or with `@` and a branch, tag or commit'

/** Also the JSON Schema's: owner, repository, a path without empty parts, `.` or `..`, and a ref. */
export const EXTENDS =
  /^([A-Za-z0-9][\w-]{0,38})\/((?!\.{1,2}\/)[\w.-]{1,100})((?:\/(?!\.{1,2}(?:\/|@|$))[\w.+-]{1,100}){1,20})(?:@((?!.*\.\.)[\w][\w./+-]{0,199}))?$/

/** `owner/repository/path@ref`, taken apart; null where it is something else. */
export function parseExtends(text: string): Extended | null {
  const [, owner, repository, path, ref = null] = EXTENDS.exec(text.trim()) ?? []
  return owner === undefined || repository === undefined || path === undefined
    ? null
    : { owner, repository, path: path.slice(1), ref }
}
