/**
 * Changes with one cause each, on one of the starting apps in `apps/`, and what a reviewer would name as the cause. scripts/causes.ts
 * measures them and holds the report to it.
 */

/**
 * Edits of files by path: a text is the whole file; `made` one that is made (MadeFiles in __tests__/support/trees.ts); `replace` pairs of
 * a text that is there and what stands in its place; null removes the file.
 */
export type Edits = Record<string, string | { made: string } | { replace: [string, string][] } | null>

export type Case = {
  id: string
  /** What the change does, in words. */
  title: string
  app: 'node' | 'python' | 'go' | 'debian'
  /** Edits of the app that make the base, where the app itself is not. */
  before?: Edits
  change: Edits
  /** Beside these nothing is given. */
  inputs?: Record<string, string>
  expected: Expected
  /**
   * Dockerfiles of an image that both sides are built on, as it was and as it is: they are pushed to a registry under one tag, and
   * `{runtime}` in the edits is replaced by its name with the digest of that side.
   */
  runtime?: { before: string; change: string }
}

/**
 * What the report must say. `line`: the beginning of the Dockerfile's line that the first cause names (a line of the change, or where it
 * is gone of the base). `words`: one of them must be in the first cause, in any case. `rules`: one of them gives the first advice that is
 * new; without a `line`, any that is new. `unchanged`: no cause at all, and no new advice.
 */
export type Expected =
  { line: string; words: string[]; rules?: string[] } | { rules: string[]; words: string[] } | { unchanged: true }

const NPM = '--mount=type=bind,from=image-budget/npm-packages:1,target=/root/.npm,rw'
const APT = `RUN --mount=type=bind,from=image-budget/debian-packages:2`

const ZOD_4: [string, string][] = [
  ['"version": "3.25.76"', '"version": "4.6.7"'],
  ['zod-3.25.76.tgz', 'zod-4.6.7.tgz'],
  [
    'sha512-gzUt/qt81nXsFGKIFcC3YnfEAx5NkunCfnDlvuBSSFS02bcXu4Lmea0AFIUwbLWxWPx3d9p8S5QoaujKcNQxcQ==',
    'sha512-g8W2D2kU6a8untc053fX1uVBKzM7yqAxW/3zwk83+6RyF2+SKOuV+c0wBDhUwzV1PaGapmZH+rmcUzPf+3CGwg==',
  ],
]

export const CASES: Case[] = [
  {
    id: 'dev-dependency',
    title: 'npm ci loses its --omit=dev',
    app: 'node',
    change: { Dockerfile: { replace: [['npm ci --omit=dev', 'npm ci']] } },
    expected: { line: `RUN ${NPM} npm ci`, words: ['esbuild'], rules: ['dev-dependencies'] },
  },
  {
    id: 'npm-version',
    title: 'zod 3.25.76 becomes 4.6.7',
    app: 'node',
    change: {
      'package.json': { replace: [['"zod": "3.25.76"', '"zod": "4.6.7"']] },
      'package-lock.json': { replace: [['"zod": "3.25.76"', '"zod": "4.6.7"'], ...ZOD_4] },
    },
    expected: { line: `RUN ${NPM} npm ci --omit=dev`, words: ['zod'] },
  },
  {
    id: 'npm-cache',
    title: 'the npm cache is left in the layer',
    app: 'node',
    change: {
      Dockerfile: {
        replace: [
          [
            `RUN ${NPM} npm ci --omit=dev`,
            'RUN --mount=type=bind,from=image-budget/npm-packages:1,target=/registry cp -r /registry /root/.npm && npm ci --omit=dev',
          ],
        ],
      },
    },
    expected: {
      line: 'RUN --mount=type=bind,from=image-budget/npm-packages:1,target=/registry',
      words: ['/root/.npm'],
      rules: ['package-cache'],
    },
  },
  {
    id: 'source-maps',
    title: 'the bundler writes source maps',
    app: 'node',
    change: { 'package.json': { replace: [['--minify', '--minify --sourcemap']] } },
    expected: { line: 'COPY --from=build /app/dist', words: ['client.js.map'] },
  },
  {
    id: 'larger-file',
    title: 'a picture is replaced by a larger one',
    app: 'node',
    before: { 'public/hero.jpg': { made: 'packed 200 kB' } },
    change: { 'public/hero.jpg': { made: 'packed 1.4 MB v2' } },
    expected: { line: 'COPY public public', words: ['hero.jpg'] },
  },
  {
    id: 'host-node-modules',
    title: 'node_modules goes from .dockerignore, and what was installed on the host comes along',
    app: 'node',
    before: { Dockerfile: { replace: [['COPY server.js ./', 'COPY . .']] } },
    change: { '.dockerignore': { replace: [['node_modules\n', '']] } },
    inputs: {
      'before-build':
        'mkdir -p node_modules/fsevents && printf \'{"name":"fsevents","version":"2.3.3"}\' > node_modules/fsevents/package.json && head -c 2000000 /dev/zero > node_modules/fsevents/fsevents.node',
    },
    expected: { line: 'COPY . .', words: ['node_modules', 'fsevents'], rules: ['context-bloat'] },
  },
  {
    id: 'wrong-stage',
    title: "the packages are copied from the build stage instead of the production packages' own",
    app: 'node',
    before: {
      Dockerfile: {
        replace: [
          ['FROM node:24-bookworm-slim\n', 'FROM node:24-bookworm-slim AS production\n'],
          [
            'COPY server.js ./',
            `FROM node:24-bookworm-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nCOPY --from=production /app/node_modules node_modules\nCOPY server.js ./`,
          ],
        ],
      },
    },
    change: { Dockerfile: { replace: [['--from=production /app/node_modules', '--from=build /app/node_modules']] } },
    expected: { line: 'COPY --from=build /app/node_modules', words: ['esbuild'], rules: ['dev-dependencies'] },
  },
  {
    id: 'environment-only',
    title: 'another ENV and a LABEL',
    app: 'node',
    change: {
      Dockerfile: {
        replace: [['USER node', 'ENV PORT=8080\nLABEL org.opencontainers.image.title="Shop"\nUSER node']],
      },
    },
    expected: { unchanged: true },
  },
  {
    id: 'moved-instruction',
    title: 'two COPY lines change places',
    app: 'node',
    before: { 'public/hero.jpg': { made: 'packed 200 kB' } },
    change: {
      Dockerfile: { replace: [['COPY server.js ./\nCOPY public public', 'COPY public public\nCOPY server.js ./']] },
    },
    expected: { unchanged: true },
  },
  {
    id: 'pip-package',
    title: 'a pip package is added',
    app: 'python',
    change: { 'requirements.txt': 'bottle==0.13.2\nJinja2==3.1.6\nMarkupSafe==3.0.2\n' },
    expected: { line: 'RUN --mount=type=bind,from=image-budget/python-packages:2', words: ['jinja2'] },
  },
  {
    id: 'pip-cache',
    title: 'pip install loses its --no-cache-dir',
    app: 'python',
    before: { 'requirements.txt': 'bottle==0.13.2\npycparser==2.22\n' },
    change: { Dockerfile: { replace: [[' --no-cache-dir', '']] } },
    expected: {
      line: 'RUN --mount=type=bind,from=image-budget/python-packages:2',
      words: ['/root/.cache'],
      rules: ['package-cache'],
    },
  },
  {
    id: 'pycache',
    title: 'pip install loses its --no-compile',
    app: 'python',
    change: { Dockerfile: { replace: [[' --no-compile', '']] } },
    expected: { line: 'RUN --mount=type=bind,from=image-budget/python-packages:2', words: ['__pycache__'] },
  },
  {
    id: 'wheels',
    title: 'the wheels are copied into the image instead of mounted',
    app: 'python',
    change: {
      Dockerfile: {
        replace: [
          [
            'RUN --mount=type=bind,from=image-budget/python-packages:2,target=/wheelhouse \\\n    pip',
            'COPY --from=image-budget/python-packages:2 / /wheelhouse\nRUN pip',
          ],
        ],
      },
    },
    expected: { line: 'COPY --from=image-budget/python-packages:2', words: ['/wheelhouse'] },
  },
  {
    id: 'large-file',
    title: 'a large file is added',
    app: 'python',
    change: { 'data/elevation.bin': { made: 'packed 3 MB' } },
    expected: { line: 'COPY . .', words: ['elevation.bin'] },
  },
  {
    id: 'file-removed',
    title: 'a large file is removed',
    app: 'python',
    before: { 'data/elevation.bin': { made: 'packed 3 MB' } },
    change: { 'data/elevation.bin': null },
    expected: { line: 'COPY . .', words: ['elevation.bin'] },
  },
  {
    id: 'dockerignore-entry',
    title: 'samples goes from .dockerignore',
    app: 'python',
    change: { '.dockerignore': { replace: [['samples\n', '']] } },
    expected: { line: 'COPY . .', words: ['samples'] },
  },
  {
    id: 'test-fixtures',
    title: 'tests goes from .dockerignore, with what they have recorded',
    app: 'python',
    change: { '.dockerignore': { replace: [['tests\n', '']] } },
    expected: { line: 'COPY . .', words: ['/app/tests'], rules: ['vcs-and-tests', 'context-bloat'] },
  },
  {
    id: 'git-folder',
    title: '.git goes from .dockerignore',
    app: 'python',
    change: { '.dockerignore': { replace: [['.git\n', '']] } },
    inputs: {
      'before-build':
        'git init --quiet . && git add --all && git -c user.name=Test -c user.email=test@example.invalid commit --quiet -m All',
    },
    expected: { line: 'COPY . .', words: ['.git'], rules: ['vcs-and-tests', 'context-bloat'] },
  },
  {
    id: 'coverage',
    title: "the coverage report's folder is no longer the one that .dockerignore has",
    app: 'python',
    change: {
      'coverage/index.html': { made: 'text 400 kB' },
      'coverage/feeds.html': { made: 'text 300 kB' },
    },
    expected: { line: 'COPY . .', words: ['/app/coverage'], rules: ['vcs-and-tests', 'context-bloat'] },
  },
  {
    id: 'log-file',
    title: 'a log file is committed',
    app: 'python',
    change: { 'feeds.log': { made: 'text 900 kB' } },
    expected: { line: 'COPY . .', words: ['feeds.log'], rules: ['vcs-and-tests', 'context-bloat'] },
  },
  {
    id: 'secret',
    title: 'a .env file is committed',
    app: 'python',
    change: { '.env': 'PORT=8000\nAPI_TOKEN=not-a-real-token-5f1c9e\n' },
    expected: { rules: ['secrets'], words: ['.env'] },
  },
  {
    id: 'virtual-environment',
    title: '.venv goes from .dockerignore',
    app: 'python',
    before: {
      '.venv/pyvenv.cfg': 'home = /usr/bin\nversion = 3.11.2\n',
      '.venv/lib/python3.11/site-packages/mypy/build.so': { made: 'packed 1.2 MB' },
    },
    change: { '.dockerignore': { replace: [['.venv\n', '']] } },
    expected: { line: 'COPY . .', words: ['.venv'], rules: ['context-bloat'] },
  },
  {
    id: 'other-folder',
    title: 'the app moves to another folder',
    app: 'python',
    change: { Dockerfile: { replace: [['WORKDIR /app', 'WORKDIR /srv/feeds']] } },
    expected: { unchanged: true },
  },
  {
    id: 'not-stripped',
    title: "go build loses its -ldflags='-s -w'",
    app: 'go',
    before: {
      'cmd/rates/main.go': `// Rates serves tables of exchange rates.
package main

import (
	"log"
	"net/http"
)

func main() { log.Fatal(http.ListenAndServe(":8080", http.FileServer(http.Dir("/tables")))) }
`,
    },
    change: { Dockerfile: { replace: [[" -ldflags='-s -w'", '']] } },
    expected: { line: 'COPY --from=build /out/rates', words: ['/usr/local/bin/rates'], rules: ['debug-symbols'] },
  },
  {
    id: 'whole-folder',
    title: 'COPY --from takes the whole folder instead of one file',
    app: 'go',
    change: { Dockerfile: { replace: [['/out/rates /usr/local/bin/rates', '/out/ /usr/local/bin/']] } },
    expected: { line: 'COPY --from=build /out/', words: ['import-rates'] },
  },
  {
    id: 'larger-program',
    title: 'the program embeds a table',
    app: 'go',
    change: {
      'cmd/rates/history.csv': { made: 'text 1.5 MB' },
      'cmd/rates/history.go':
        'package main\n\nimport _ "embed"\n\n//go:embed history.csv\nvar history string\n\nfunc init() { print(len(history)) }\n',
    },
    expected: { line: 'COPY --from=build /out/rates', words: ['/usr/local/bin/rates'] },
  },
  {
    id: 'base-image-tag',
    title: 'another base image',
    app: 'go',
    change: { Dockerfile: { replace: [['static-debian12', 'base-debian12']] } },
    expected: { line: 'FROM gcr.io/distroless/base-debian12', words: ['libssl3', 'libc6', 'libcrypto'] },
  },
  {
    id: 'base-image-digest',
    title: 'the same tag of the base image, another digest',
    app: 'go',
    before: { Dockerfile: { replace: [['gcr.io/distroless/static-debian12:nonroot', '{runtime}']] } },
    change: {},
    runtime: {
      before: 'FROM gcr.io/distroless/static-debian12:nonroot\n',
      change:
        'FROM gcr.io/distroless/static-debian12:nonroot\nCOPY --from=debian:bookworm-slim /usr/bin/perl /usr/bin/perl\n',
    },
    expected: { line: 'FROM {runtime}', words: ['/usr/bin/perl'] },
  },
  {
    id: 'single-stage',
    title: 'two stages become one',
    app: 'go',
    change: {
      Dockerfile: `FROM golang:1.19-bookworm
ENV CGO_ENABLED=0
WORKDIR /src
COPY go.mod ./
COPY cmd cmd
RUN go build -trimpath -ldflags='-s -w' -o /usr/local/bin/ ./cmd/rates
COPY tables /tables
ENTRYPOINT ["rates"]
`,
    },
    expected: { line: 'FROM golang:1.19-bookworm', words: ['go-1.19', 'golang'], rules: ['toolchain', 'single-stage'] },
  },
  {
    id: 'apt-lists',
    title: "apt's lists are left",
    app: 'debian',
    change: {
      Dockerfile: {
        replace: [[' && rm -rf /var/lib/apt/lists/* /var/cache/apt/*\n', ' && rm -rf /var/cache/apt/*\n']],
      },
    },
    expected: { line: APT, words: ['/var/lib/apt/lists'], rules: ['package-cache'] },
  },
  {
    id: 'apt-recommends',
    title: 'apt-get install loses its --no-install-recommends',
    app: 'debian',
    change: { Dockerfile: { replace: [[' --no-install-recommends', '']] } },
    expected: { line: APT, words: ['openssl', 'ca-certificates', 'publicsuffix', 'libssl3'] },
  },
  {
    id: 'apt-package',
    title: 'jq is installed',
    app: 'debian',
    change: { Dockerfile: { replace: [['tree wget', 'jq tree wget']] } },
    expected: { line: APT, words: ['jq', 'libonig5'] },
  },
  {
    id: 'apt-data',
    title: 'a package of data is installed',
    app: 'debian',
    change: { Dockerfile: { replace: [['tree wget', 'fonts-dejavu-core tree wget']] } },
    expected: { line: APT, words: ['fonts-dejavu-core', '/usr/share/fonts'] },
  },
  {
    id: 'compiler',
    title: 'a compiler is installed',
    app: 'debian',
    change: { Dockerfile: { replace: [['tree wget', 'gcc libc6-dev tree wget']] } },
    expected: { line: APT, words: ['gcc-12', 'cpp-12', '/usr/lib/gcc'], rules: ['toolchain', 'single-stage'] },
  },
  {
    id: 'chown',
    title: 'chown -R after the COPY instead of --chown',
    app: 'debian',
    change: {
      Dockerfile: {
        replace: [
          ['COPY --chown=1000:1000 archive archive', 'COPY archive archive'],
          ['USER 1000:1000', 'RUN chown -R 1000:1000 /srv\nUSER 1000:1000'],
        ],
      },
    },
    expected: { line: 'RUN chown -R', words: ['/srv/archive', '2024.tar'], rules: ['removed-later'] },
  },
  {
    id: 'removed-later',
    title: 'a file is copied, and removed in a later layer',
    app: 'debian',
    change: {
      'import/dump.tar': { made: 'packed 2.5 MB' },
      Dockerfile: {
        replace: [['USER 1000:1000', 'COPY import /tmp/import\nRUN rm -r /tmp/import\nUSER 1000:1000']],
      },
    },
    expected: { line: 'COPY import /tmp/import', words: ['/tmp/import'], rules: ['removed-later'] },
  },
  {
    id: 'second-copy',
    title: 'the same files at a second path',
    app: 'debian',
    change: { Dockerfile: { replace: [['COPY serve.sh ./', 'COPY archive /var/backups/archive\nCOPY serve.sh ./']] } },
    expected: { line: 'COPY archive /var/backups/archive', words: ['/var/backups'], rules: ['duplicate-files'] },
  },
  {
    id: 'c-symbols',
    title: 'a C program is no longer stripped',
    app: 'debian',
    before: {
      Dockerfile: {
        replace: [
          [
            'FROM debian:bookworm-slim\n',
            'FROM rust:1.63-slim-bookworm AS build\nCOPY count.c ./\nRUN gcc -O2 -static -s -o /count count.c\n\nFROM debian:bookworm-slim\n',
          ],
          ['COPY serve.sh ./', 'COPY serve.sh ./\nCOPY --from=build /count /usr/local/bin/count'],
        ],
      },
    },
    change: { Dockerfile: { replace: [['gcc -O2 -static -s', 'gcc -O2 -static -g']] } },
    // As a parser that a program writes: many functions.
    inputs: {
      'before-build':
        'awk \'BEGIN { for (i = 0; i < 8000; i++) printf "int f%d(int a, int b) { int c = a * %d + b; return c ^ (c >> 3); }\\n", i, i; print "int main(void) { return f7(1, 2); }" }\' > count.c',
    },
    expected: { line: 'COPY --from=build /count', words: ['/usr/local/bin/count'], rules: ['debug-symbols'] },
  },
  {
    id: 'split-layer',
    title: 'one COPY becomes two, of the same files',
    app: 'debian',
    change: {
      Dockerfile: {
        replace: [
          [
            'COPY --chown=1000:1000 archive archive',
            'COPY --chown=1000:1000 archive/2024.tar archive/2024.tar\nCOPY --chown=1000:1000 archive/2025.tar archive/2025.tar',
          ],
        ],
      },
    },
    expected: { unchanged: true },
  },
]
