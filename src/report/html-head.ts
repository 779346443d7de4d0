/**
 * What a file that we write as a page begins with, up to its body: it sends nobody an address, and its policy (CSP) stands before all that it is to
 * be held to. All three are HTML already.
 */
export function htmlHead({ policy, title, style }: { policy: string; title: string; style: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
</head>`
}
