/** Payloads of GitHub's own collection of real events (`@octokit/webhooks-examples`), adjusted to a test's repository. */
import { createRequire } from 'node:module'
import type { WebhookDefinition } from '@octokit/webhooks-examples'

/** The events that the action runs on: GitHub's name of the event, and its action where it has one. */
export type EventKind =
  | 'pull_request.opened'
  | 'pull_request.synchronize'
  | 'pull_request.closed'
  | 'merge_group.checks_requested'
  | 'push'
  | 'workflow_dispatch'
  | 'workflow_run.completed'
  | 'release.published'
  | 'issue_comment.created'

type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** An event as the runner hands it over. */
export type Event = { name: string; payload: JsonObject }

/** `base` with `overrides` laid over it, objects key by key, anything else as a whole. */
function merge(base: JsonObject, overrides: JsonObject): JsonObject {
  const merged = { ...base }
  for (const [key, value] of Object.entries(overrides)) {
    const below = merged[key]
    merged[key] = isObject(below) && isObject(value) ? merge(below, value) : value
  }
  return merged
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfItsRepository({ repository, workflow_run: run }: JsonObject): boolean {
  const [own, ran] = [repository, isObject(run) ? run.repository : undefined]
  return isObject(own) && isObject(ran) && own.full_name === ran.full_name
}

function example(kind: EventKind): JsonObject {
  const [name, action] = kind.split('.')
  const events = createRequire(import.meta.url)('@octokit/webhooks-examples') as WebhookDefinition[]
  const examples = events.find((event) => event.name === name)?.examples as JsonObject[] | undefined
  const found = examples?.find(
    (candidate) =>
      (action === undefined || candidate.action === action) &&
      // Most of the pushes are of tags; the one that is wanted is of a branch.
      // The first run is of another repository than the event.
      (name !== 'workflow_run' || isOfItsRepository(candidate)) &&
      (name !== 'push' || (typeof candidate.ref === 'string' && candidate.ref.startsWith('refs/heads/'))),
  )
  if (found === undefined) throw new Error(`There is no example of ${kind}`)
  return found
}

/**
 * A real payload with `overrides` laid over it.
 *
 * `repository.full_name` renames the repository wherever the payload mentions it (URLs, owner, both sides of a pull
 * request), and a pull request's `number` likewise; all the rest is merged as it is, so that a fork is
 * `{ pull_request: { head: { repo: { full_name: 'someone/shop', fork: true } } } }`.
 */
export function payload(kind: EventKind, overrides: JsonObject = {}): Event {
  const original = example(kind)
  const { repository, number } = overrides
  let text = JSON.stringify(original)
  if (isObject(repository) && typeof repository.full_name === 'string') {
    const [owner = '', name = ''] = repository.full_name.split('/')
    const before = original.repository as { full_name: string; name: string; owner: { login: string } }
    text = text
      .replaceAll(before.full_name, repository.full_name)
      .replaceAll(`"name":"${before.name}"`, `"name":"${name}"`)
      .replaceAll(`"login":"${before.owner.login}"`, `"login":"${owner}"`)
  }
  if (typeof number === 'number' && typeof original.number === 'number') {
    text = text
      .replaceAll(new RegExp(`/(pulls?|issues)/${original.number}\\b`, 'g'), `/$1/${number}`)
      .replaceAll(`"number":${original.number},`, `"number":${number},`)
  }
  return { name: kind.split('.')[0] ?? kind, payload: merge(JSON.parse(text) as JsonObject, overrides) }
}
