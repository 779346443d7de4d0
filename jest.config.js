/** Node 24 strips the types itself: no transform (see docs/architecture.md). */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testMatch: ['**/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/build/'],
  // Their package.json files are of images under test: they name no modules of ours.
  modulePathIgnorePatterns: ['<rootDir>/__tests__/shapes/', '<rootDir>/scripts/causes/apps/'],
  clearMocks: true,
  // A machine may be busy: how long something takes is no test's matter.
  testTimeout: 60_000,
}
