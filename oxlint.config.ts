import { defineConfig, type OxlintOverride } from 'oxlint'

/**
 * The rooms of `src/` in the order of the product's sentence (docs/architecture.md). A room imports from rooms to its
 * left, never to its right, types included. A folder ends with a slash. A room that is not listed here fails
 * `__tests__/lint.test.ts`.
 */
export const rooms = [
  'failure.ts',
  'version.ts',
  'log.ts',
  'clock.ts',
  'memory.ts',
  'turns.ts',
  'json.ts',
  'patterns.ts',
  'groups.ts',
  'exec.ts',
  'inputs/',
  'git/',
  'build/',
  'find-images.ts',
  'configure.ts',
  'image/',
  'record/',
  'baseline/',
  'compare/',
  'advice/',
  'budget/',
  'report/',
  'page/',
  'write-whole.ts',
  'collect.ts',
  'github/',
  'untouched.ts',
  'sides.ts',
  'show-history.ts',
  'run.ts',
  'init.ts',
  'act.ts',
  'terminal-log.ts',
  'main.ts',
  'cli.ts',
]

/** Nobody imports a door, not even the other one: importing it would run it. */
const doors = ['main.ts', 'cli.ts']

/** Rooms that compute and nothing else: the same values in, the same values out, on any machine at any time. */
const pureRooms = new Set(['compare/', 'advice/', 'budget/', 'report/', 'page/'])

/** Modules that reach out of the process, as regular expressions, and the only rooms that may import them. */
const edges = [
  { modules: '^(node:)?child_process$|^@actions/exec$', owners: ['exec.ts'], instead: 'run programs through exec.ts' },
  { modules: '^@actions/github|^@octokit/', owners: ['github/'], instead: 'only github/ talks to GitHub' },
  { modules: '^@actions/core', owners: ['main.ts', 'github/'], instead: 'take inputs and a log as parameters' },
  {
    modules:
      '^(node:)?(fs|http|https|http2|net|tls|dgram|dns|os|process|timers|readline|worker_threads)(/|$)|^@actions/',
    owners: rooms.filter((room) => !pureRooms.has(room)),
    instead: 'this room is pure: take the value as a parameter',
  },
]

const worldlyGlobals = [
  'process',
  'console',
  'fetch',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Date',
]

/** The import rule (and purity, where it is asked for) of one room. */
function ruleOf(room: string, index: number): OxlintOverride {
  const isFolder = room.endsWith('/')
  const closed = [...rooms.slice(index + 1), ...doors].filter((other) => other !== room)
  const names = closed.map((other) => (other.endsWith('/') ? other : `${other.replace('.', '\\.')}$`)).join('|')
  const rightward = {
    regex: `^${isFolder ? '(\\.\\./)+' : '\\./'}(${names})`,
    message: `${room} may only import from rooms to its left: see rooms in oxlint.config.ts`,
  }
  const outward = edges
    .filter((edge) => !edge.owners.includes(room))
    .map((edge) => ({ regex: edge.modules, message: edge.instead }))
  const isPure = pureRooms.has(room)
  return {
    files: [isFolder ? `src/${room}**` : `src/${room}`],
    rules: {
      'no-restricted-imports': ['error', { patterns: [rightward, ...outward] }],
      ...(isPure && {
        'no-restricted-globals': ['error', { globals: worldlyGlobals, checkGlobalObject: true }],
        'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
      }),
    },
  }
}

export default defineConfig({
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  plugins: ['typescript', 'unicorn', 'oxc', 'import'],
  ignorePatterns: [
    'node_modules',
    '/dist/',
    '/build/',
    '/examples/',
    '/__tests__/shapes/',
    '/scripts/causes/apps/',
    '/coverage/',
    '/demo-output/',
  ],
  rules: {
    'no-await-in-loop': 'off',
    'typescript/no-floating-promises': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/consistent-return': 'off',
    'import/no-cycle': 'error',
  },
  overrides: [
    ...rooms.map(ruleOf),
    // A helper stands beside the tests that use it.
    { files: ['__tests__/**'], rules: { 'unicorn/consistent-function-scoping': 'off' } },
  ],
})
