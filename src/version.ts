/** Version of package.json (a test keeps the two equal): a bundle has no package.json to read. */
export const version = '0.1.0'
