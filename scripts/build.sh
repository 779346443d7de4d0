#!/usr/bin/env bash
# Builds what the runner and the terminal run: src/main.ts into dist/index.js, src/cli.ts into dist/cli/index.js.
# The same sources give the same bytes on any machine: nothing is minified, no map, no path, no time is written.
#   scripts/build.sh          writes dist/
#   scripts/build.sh --check  writes dist/, and fails where the committed one is another (new files count)
# First the script and style of the page, page/ into src/page/assets.ts: minified, for every page carries them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

# ncc numbers modules by where they really lie: through a link the bytes would differ from machine to machine.
if [ -L node_modules ]; then
  echo 'node_modules is a link: build in a clone with its own (npm ci), or dist/ is not reproducible' >&2
  exit 1
fi

rm -rf build
node scripts/page.ts
tsc -p tsconfig.build.json
ncc build build/main.js --out build/dist --license licenses.txt --no-cache --quiet
ncc build build/cli.js --out build/dist/cli --license licenses.txt --no-cache --quiet
node scripts/page.ts --licenses | tee -a build/dist/licenses.txt >>build/dist/cli/licenses.txt

# ncc writes a file's own shebang into the bundle; the terminal's door must be a program whether it has one or not.
program=build/dist/cli/index.js
if [ "$(head -c 2 "$program")" != '#!' ]; then
  { echo '#!/usr/bin/env node' && cat "$program"; } >build/cli-bundle.js
  mv build/cli-bundle.js "$program"
fi
chmod +x "$program"

# Without "type": "module" next to it, a bundle in ES module form does not load.
for folder in build/dist build/dist/cli; do
  grep -q '"type": *"module"' "$folder/package.json" || {
    echo "$folder/package.json does not say \"type\": \"module\": the bundle would not load" >&2
    exit 1
  }
done

# Only now, so that a build that fails leaves the last one; the old folder goes, and with it files that are no more.
rm -rf dist
mv build/dist dist

if [ "${1:-}" = --check ]; then
  changed=$(git status --porcelain -- dist src/page/assets.ts)
  if [ -n "$changed" ]; then
    printf '%s\ndist/ (and src/page/assets.ts) is not what src/ and page/ build. To fix: npm run build, then commit them\n' "$changed"
    exit 1
  fi
fi
