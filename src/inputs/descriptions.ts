/** What action.yml says of each input. Written by `npm run docs`. */
export const descriptions = {
  name: "The image's name in the report, or the one of the budget file's images that is measured; also keys its comment, so two images of one pull request need two names (as do jobs that differ in build arguments or platforms alone). Default: the repository's name, with the context's and the Dockerfile's folders, the Dockerfile's name and the target where they are given.",
  config:
    'Budget file, which sets any of the inputs below for one image or several; what is given as an input comes before it. `off`: none is read. Default: `.github/image-budget.yml` in the repository, where it is there.',
  images:
    "Names of the budget file's images to measure, comma- or line-separated; all of them share one report, one comment and one verdict. With `mode: report`, names of images that a report has to be there of. Default: all that it has, or the one that `name` names.",
  dockerfiles:
    "Committed Dockerfiles that are an image each, comma- or line-separated, with git's globs: `services/*/Dockerfile`, `**/Dockerfile`; `!path` leaves some out. The folder is the context, unless `context` is given, and its path the name. They share one report, one comment and one verdict.",
  'bake-files':
    'Bake files of which each target is an image, named after it, built by `docker buildx bake`, comma- or line-separated. Beside `bake-targets` alone: those that bake finds by itself.',
  'bake-targets':
    'Targets or groups of the bake file to measure, comma- or line-separated. With `bake-files` alone: the group (or target) that is called `default`.',
  image:
    'An image to measure as it is, instead of building one: `docker://NAME` (a registry, with the credentials of `docker login`), `docker-daemon:NAME` (the Docker engine), `docker-archive:FILE`, `oci-archive:FILE` or `oci:FOLDER`.',
  context: 'Build context, a folder inside the checked-out repository. Default: `.`.',
  file: 'Path of the Dockerfile, relative to the working directory. Default: `Dockerfile` in the context.',
  target: 'Stage to build and measure. Default: the last stage.',
  'build-args': 'Build arguments, one `KEY=value` a line.',
  'build-contexts':
    'Named build contexts, one `name=value` a line; a relative folder is taken from each tree, anything else (`docker-image://…`, `oci-layout://…`, a URL) as it is.',
  platforms:
    "Platforms to build and measure, comma- or line-separated: `linux/amd64,linux/arm64`. Default: the builder's own; with `image`, all that it has.",
  secrets: 'Build secrets, one `id=value` a line; handed over in the environment, never on a command line.',
  'secret-files': 'Build secrets from files, one `id=path` a line, relative to the working directory.',
  'cache-from': 'External cache sources, one a line (`type=gha`, `type=registry,ref=…`, …), used for both builds.',
  'cache-to':
    "Cache export destinations, one a line; written by the change's build only, so that the base never overwrites it.",
  builder: 'buildx builder to use. Default: the current one.',
  'before-build':
    'Shell command (bash) run in each tree before its build, for Dockerfiles that copy what is built outside: a jar, a bundle. `IMAGE_BUDGET_SIDE` is `head` or `base`.',
  metrics:
    "What to measure: `size`, `download-size`, or both. Leave one out where it costs more time than it is worth: the size is read from the layers' content, and for the download size Docker's classic store has to pack them; with `size` alone that store's own count of a build is taken. Default: `size, download-size`.",
  'max-size': 'Cap on the unpacked size: `160 MB`, `150 MiB`, `1.2 GB`.',
  'max-download-size': 'Cap on the download (packed) size: `55 MB`.',
  'max-layers': 'Cap on the number of non-empty layers: `12`.',
  'max-increase': 'Cap on growth against the base, in bytes or percent of the base: `5 MB`, `3%`.',
  budgets:
    'Further budgets, one a line, on a part of the image or as soft limits: `scope=own,max-increase=2 MB`, `path=/app/node_modules,max-size=80 MB`, `stage=runtime,max-size=…`, `package=typescript,max-size=0 B`, `max-size=150 MB,level=warn`; or on growth over time: `max-increase=20 MB,over=30d`, `max-increase=10%,over=release`.',
  forbid:
    'Rules of advice a finding of which breaks the budget, comma- or line-separated: `secrets, vcs-and-tests`. What the base has already does not.',
  'accept-label':
    'Label of a pull request that accepts its growth, up to what the report showed when it was set; `off`: none does. What it accepts is kept in the comment (`pull-requests: write`). Default: `image-budget: accept`.',
  baseline:
    'What to compare with. `auto`: the record of the base commit, else build it beside the change; `record`: its record or that of the nearest commit before it; `build`; an image where it lies, in the forms of `image`; `none`: nothing, only the caps are judged. Default: `auto`.',
  'base-ref':
    "Commit, branch or tag to compare with, as it is now (not the merge base with it). Default: from the event (the merge commit's first parent, the merge base, the merge queue's base, the previous commit of a push).",
  untouched:
    'What becomes of an image on a pull request or in a merge queue when the change touches nothing that it is built from: `skip` (it is not built, and reported as such), `measure`. Default: `skip`.',
  record:
    'Whether a push to the default branch is kept on the data branch, for baselines, badge and history: `auto` (where the token has `contents: write`), `off`. Default: `auto`.',
  'data-branch': 'Branch that has the records and nothing else; it is made on first use. Default: `image-budget`.',
  comment:
    'When to comment on the pull request: `on-change` (above a noise floor or when a budget is not kept; a comment that is there is always brought up to date), `always`, `off`. Default: `on-change`.',
  page: 'Path of a file to write the page to, relative to the working directory: an interactive map of what is in the images and what changed, one HTML file that needs no network, to be kept with `actions/upload-artifact`. Without it none is written.',
  fail: 'Whether a broken budget fails the job: `true` or `false`. A failed measurement always does. Default: `true`.',
  mode: 'What the job does. `check`: measure, judge, report. `measure`, for the jobs of a matrix: measure and judge, and leave comment and verdict to the job that reports; a broken budget does not fail it, a failed measurement does. `report`: measure nothing, read the reports of other jobs, and make one comment, one summary and one verdict of them. Default: `check`.',
  reports:
    'With `mode: report`, JSON reports or folders of them, comma- or line-separated, as `actions/download-artifact` leaves them: every `*.json` in a folder and those below. Default: `image-budget-reports`.',
  'allow-pull-request-target':
    'Whether to run on `pull_request_target`, which is refused otherwise: what is built there may get hold of a token that may write, and of the secrets. `true` or `false`. Default: `false`.',
  'github-token':
    'Token for the comment (`pull-requests: write`) and for records (`contents: read`, to keep them `contents: write`). Without a permission: verdict, summary and log as ever.',
}
