/**
 * Validates workflows and action.yml as GitHub's own editor support does; a program of its own, because
 * `@actions/languageservice` imports JSON without the attribute that Node asks for, which takes a module hook.
 *
 * stdin: `{ action: string, documents: [{ name, text }] }`, `action` being action.yml's text, against whose inputs each
 * `uses: image-budget/…` and `uses: ./` is checked; a `name` that ends in `action.yml` is an action, any other a workflow.
 * stdout: a JSON list of problems, `NAME:LINE: MESSAGE`.
 */
import { text } from 'node:stream/consumers'
import { registerHooks } from 'node:module'
import { parse } from 'yaml'

registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
})
const { validate } = await import('@actions/languageservice')
const { TextDocument } = await import('vscode-languageserver-textdocument')

type Request = { action: string; documents: { name: string; text: string }[] }
const request: Request = JSON.parse(await text(process.stdin))
const ownMetadata = parse(request.action)

const config = {
  actionsMetadataProvider: {
    // Of other people's actions we know nothing: without inputs theirs are not checked.
    fetchActionMetadata: async ({ owner }: { owner: string }) =>
      owner === 'image-budget' ? ownMetadata : { name: '', description: '' },
  },
}
const problems = await Promise.all(
  request.documents.map(async (document, index) => {
    // A step that uses the checked-out action is looked up under the name that it is published as.
    const source = document.text.replaceAll(/uses: \.\/$/gm, 'uses: image-budget/image-budget@v0')
    // The address tells an action from a workflow, and must be each document's own: what was parsed is kept under it.
    const file = document.name.endsWith('action.yml') ? `${index}/action.yml` : `.github/workflows/${index}.yml`
    const found = await validate(TextDocument.create(`file:///${file}`, 'yaml', 1, source), config)
    return found.map(({ range, message }) => {
      const sentence = typeof message === 'string' ? message : message.value
      return `${document.name}:${range.start.line + 1}: ${sentence}`
    })
  }),
)
console.log(JSON.stringify(problems.flat()))
