/* oxlint-disable typescript/no-unnecessary-type-parameters -- T stands for any type */

/**
 * `'same'` where both types are, optional members too; else nothing that a value could be. TypeScript takes two conditional types of
 * an unknown T for one only where what they test is; with a name for them it would look at the names' parameters alone.
 */
export type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? 'same' : { one: One; other: Other }

/** The same, member by member: an intersection as one object. */
export type Flat<T> = T extends object ? { [key in keyof T]: Flat<T[key]> } : T
