/** Version of this program, as package.json has it (`__tests__/version.test.ts` keeps them equal): a bundle has no package.json to read. */
export const version = '0.1.0'

/** The tag that workflows name, which follows the newest release of this major: `v0`. */
export const majorTag = `v${version.split('.', 1)[0]}`
