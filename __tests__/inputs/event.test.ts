import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { CouldNotMeasure, type Failure } from '../../src/failure.ts'
import { readEvent, type EventFacts } from '../../src/inputs/event.ts'
import { payload, type EventKind, type JsonObject } from '../support/payload.ts'

const sha = (digit: string): string => digit.repeat(40)

function failureOf(name: string, value: unknown): Failure {
  try {
    readEvent(name, value, null, '')
  } catch (error) {
    if (error instanceof CouldNotMeasure) return error.failure
    throw error
  }
  throw new Error('It was accepted.')
}

describe('a pull request', () => {
  it.each(['pull_request.opened', 'pull_request.synchronize'] as const)('asks for its base (%s)', (kind) => {
    const { name, payload: event } = payload(kind, {
      number: 7,
      pull_request: { number: 7, head: { sha: sha('b') }, base: { sha: sha('a'), ref: 'release/1.x' } },
    })
    expect(readEvent(name, event, null, '')).toMatchObject({
      pullRequest: 7,
      pushed: sha('b'),
      labelled: null,
      base: { kind: 'pull-request', headSha: sha('b'), baseSha: sha('a'), baseRef: 'release/1.x' },
    })
  })

  it('says which label its event has just set', () => {
    const labelled = (action: string): string | null => {
      const { name, payload: event } = payload('pull_request.opened', {
        action,
        label: { name: 'image-budget: accept' },
      })
      return readEvent(name, event, null, '').labelled
    }
    expect(labelled('labeled')).toBe('image-budget: accept')
    expect(labelled('unlabeled')).toBeNull()
  })

  it("of GitHub's own examples is read as it is", () => {
    const { name, payload: event } = payload('pull_request.opened')
    expect(readEvent(name, event, null, '')).toMatchObject({
      pullRequest: 2,
      pushed: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
      labelled: null,
      base: {
        kind: 'pull-request',
        headSha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
        baseSha: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
        baseRef: 'master',
      },
    })
  })

  it('may come from a fork that is gone', () => {
    const { name, payload: event } = payload('pull_request.opened', { pull_request: { head: { repo: null } } })
    expect(readEvent(name, event, null, '').pullRequest).toBe(2)
  })

  it('that runs with a token that may write is read where the user takes that upon themselves', () => {
    const { payload: event } = payload('pull_request.opened', { pull_request: { base: { ref: 'main' } } })
    expect(readEvent('pull_request_target', event, null, '', true)).toEqual(readEvent('pull_request', event, null, ''))
  })

  it('is refused with a token that may write', () => {
    const { payload: event } = payload('pull_request.opened')
    expect(failureOf('pull_request_target', event)).toMatchObject({
      kind: 'precondition',
      message: expect.stringContaining('`pull_request_target`'),
      remedy: expect.stringContaining('Run on `pull_request`'),
    })
  })
})

describe('a run that follows another one', () => {
  const of = (run: JsonObject, overrides: JsonObject = {}): EventFacts => {
    const { name, payload: event } = payload('workflow_run.completed', {
      repository: { full_name: 'octo-org/shop', default_branch: 'main' },
      ...overrides,
      workflow_run: { event: 'pull_request', head_sha: sha('b'), head_branch: 'feature', ...run },
    })
    return readEvent(name, event, null, 'refs/heads/main')
  }

  it('tells the head that was run, of this repository or of a fork, and no pull request', () => {
    expect(of({})).toMatchObject({
      pullRequest: null,
      pushed: null,
      labelled: null,
      onDefaultBranch: false,
      follows: { headSha: sha('b'), headBranch: 'feature', headRepository: 'octo-org/shop' },
    })
    // What lists pull requests there is empty for a fork's, and not looked at.
    expect(of({ head_repository: { full_name: 'mallory/shop' }, pull_requests: [{ number: 9 }] })).toMatchObject({
      pullRequest: null,
      follows: { headRepository: 'mallory/shop' },
    })
  })

  it.each([
    ['a push', { event: 'push' }, 'the run that this one follows was of `push`, not of `pull_request`'],
    ['one that nobody may have built', { event: 'pull_request_target' }, 'was of `pull_request_target`'],
    ['a fork that is gone', { head_repository: null }, 'the branch of the pull request is gone'],
    ['a branch that is gone', { head_branch: null }, 'the branch of the pull request is gone'],
  ])('has nothing to report on after %s', (_, run, reason) => {
    expect(of(run).follows).toEqual({ reason: expect.stringContaining(reason) })
  })

  it.each([
    { head_sha: 'main' },
    { head_sha: `${sha('b')}\n` },
    { head_repository: { full_name: '../shop/x' } },
    { head_branch: '' },
  ])('is not believed with %j', (run) =>
    expect(() => of(run)).toThrow('The payload of the event `workflow_run` is not as GitHub describes it'),
  )

  it('of other events is none', () => {
    for (const kind of ['push', 'pull_request.opened', 'workflow_dispatch'] as const) {
      const { name, payload: event } = payload(kind)
      expect(readEvent(name, event, null, '').follows).toBeNull()
    }
  })
})

describe('other events', () => {
  it("of a merge queue ask for the queue's base", () => {
    const { name, payload: event } = payload('merge_group.checks_requested', {
      merge_group: { base_sha: sha('c'), base_ref: 'refs/heads/main' },
    })
    expect(readEvent(name, event, null, '')).toMatchObject({
      pullRequest: null,
      pushed: null,
      labelled: null,
      base: { kind: 'commit', sha: sha('c'), ref: 'main' },
    })
  })

  it('of a push ask for the commit before it', () => {
    const { name, payload: event } = payload('push', { before: sha('d'), ref: 'refs/heads/feature/größe' })
    expect(readEvent(name, event, null, '')).toMatchObject({
      pullRequest: null,
      pushed: null,
      labelled: null,
      base: { kind: 'commit', sha: sha('d'), ref: 'feature/größe before the push' },
    })
  })

  const ofBranch = { before: sha('0'), repository: { default_branch: 'main' } }

  it.each([
    ['made a branch ask for the merge base', { ref: 'refs/heads/new' }, { kind: 'merge-base', ref: 'main' }],
    [
      'made the default branch have no base',
      { ref: 'refs/heads/main' },
      { kind: 'none', reason: 'the push created `main`, there is no commit before it' },
    ],
    [
      'made a tag have no base',
      { ref: 'refs/tags/v1.4' },
      { kind: 'none', reason: 'the push created the tag `v1.4`; `base-ref` can name an earlier one' },
    ],
    [
      'moved a tag ask for what it was before',
      { ref: 'refs/tags/v1', before: sha('d') },
      { kind: 'commit', sha: sha('d'), ref: 'v1 before the push' },
    ],
    [
      'deleted a branch have no base, as they are of another branch',
      { ref: 'refs/heads/old', before: sha('d'), after: sha('0'), deleted: true },
      { kind: 'none', reason: 'the push deleted `old`' },
    ],
  ])('of a push that %s', (_, facts, base) => {
    const { name, payload: event } = payload('push', { ...ofBranch, ...facts })
    expect(readEvent(name, event, null, facts.ref).base).toEqual(base)
  })

  it.each(['workflow_dispatch', 'schedule'])('of a %s on another branch ask for the merge base', (name) => {
    const event = { repository: { default_branch: 'main' } }
    expect(readEvent(name, event, null, 'refs/heads/feature/x').base).toEqual({ kind: 'merge-base', ref: 'main' })
    for (const ref of ['refs/heads/main', 'refs/tags/v1', ''])
      expect(readEvent(name, event, null, ref).base).toMatchObject({ kind: 'none' })
  })

  it.each([
    ['pull_request.opened', true],
    ['merge_group.checks_requested', true],
    ['push', false],
    ['workflow_dispatch', false],
    ['release.published', false],
    ['issue_comment.created', false],
  ] as const)('say whether they are about a change that is proposed (%s: %s)', (kind, isProposal) => {
    const { name, payload: event } = payload(kind)
    expect(readEvent(name, event, null, '').isProposal).toBe(isProposal)
  })

  it.each([
    ['workflow_dispatch', payload('workflow_dispatch').payload],
    ['schedule', { schedule: '0 5 * * 1' }],
    ['workflow_call', {}],
    ['release', payload('release.published').payload],
    ['issue_comment', payload('issue_comment.created').payload],
    ['some_event_of_tomorrow', null],
  ])('of the kind %s have neither base nor pull request', (name, event) => {
    expect(readEvent(name, event, null, '')).toMatchObject({
      pullRequest: null,
      pushed: null,
      labelled: null,
      base: { kind: 'none', reason: `the event \`${name}\` has no base commit; \`base-ref\` can name one` },
    })
  })
})

describe('a base that the user names', () => {
  it.each(['pull_request.opened', 'merge_group.checks_requested', 'push', 'workflow_dispatch'] as const)(
    'goes before that of %s',
    (kind) => {
      const { name, payload: event } = payload(kind)
      const { base, pullRequest } = readEvent(name, event, 'v1.0', '')
      expect(base).toEqual({ kind: 'ref', ref: 'v1.0' })
      expect(pullRequest).toBe(readEvent(name, event, null, '').pullRequest)
    },
  )

  it('does not open pull_request_target', () => {
    expect(() => readEvent('pull_request_target', {}, 'main', '')).toThrow(CouldNotMeasure)
  })
})

const withPullRequest = (overrides: JsonObject): JsonObject =>
  payload('pull_request.opened', { pull_request: overrides }).payload

describe('a payload that is not as GitHub describes it', () => {
  const good = payload('pull_request.opened').payload

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'pull_request'],
    ['a list', [good]],
    ['an empty object', {}],
    ['null as pull request', { pull_request: null }],
    ['a number that is text', withPullRequest({ number: '7' })],
    ['a number that is none', withPullRequest({ number: -1 })],
    ['a commit that is an option', withPullRequest({ base: { sha: '--upload-pack=id' } })],
    ['a commit that is a branch', withPullRequest({ head: { sha: 'main' } })],
    ['a commit with more behind it', withPullRequest({ base: { sha: `${sha('a')}\n--all` } })],
    ['a branch without a name', withPullRequest({ base: { ref: '' } })],
  ])('is told as such: %s', (_, event) => {
    expect(failureOf('pull_request', event)).toMatchObject({
      kind: 'input',
      message: expect.stringMatching(/^The payload of the event `pull_request` is not as GitHub describes it:\n✖ /),
    })
  })

  it('says where', () => {
    expect(failureOf('push', { before: 'x', ref: 3 }).message).toMatch(/→ at before[^]*→ at ref/)
  })

  it('is never any other error', () => {
    const names = fc.constantFrom('pull_request', 'merge_group', 'push', 'workflow_run', 'schedule', 'constructor')
    fc.assert(
      fc.property(names, fc.jsonValue(), fc.constantFrom('pull_request', 'merge_group', ''), (name, value, key) => {
        try {
          readEvent(name, key === '' ? value : { [key]: value }, null, '')
        } catch (error) {
          expect(error).toBeInstanceOf(CouldNotMeasure)
        }
      }),
    )
  })
})

describe('a run of the default branch itself', () => {
  const REPOSITORY = { full_name: 'octo-org/shop', default_branch: 'trunk', private: true }
  const of = (kind: EventKind, ref: string, overrides: JsonObject = {}): EventFacts => {
    const { name, payload: event } = payload(kind, { repository: REPOSITORY, ...overrides })
    return readEvent(name, event, null, ref)
  }

  it('is a push to it, a schedule, or one by hand', () => {
    expect(of('push', 'refs/heads/trunk')).toMatchObject({ onDefaultBranch: true, isPrivate: true })
    expect(of('workflow_dispatch', 'refs/heads/trunk').onDefaultBranch).toBe(true)
    expect(
      readEvent('schedule', { schedule: '0 5 * * 1', repository: REPOSITORY }, null, 'refs/heads/trunk'),
    ).toMatchObject({
      onDefaultBranch: true,
    })
  })

  it('is no push to another branch or of a tag, no pull request, and no merge queue', () => {
    expect(of('push', 'refs/heads/main').onDefaultBranch).toBe(false)
    expect(of('push', 'refs/tags/trunk').onDefaultBranch).toBe(false)
    expect(of('pull_request.synchronize', 'refs/heads/trunk').onDefaultBranch).toBe(false)
    expect(of('merge_group.checks_requested', 'refs/heads/trunk').onDefaultBranch).toBe(false)
    expect(readEvent('schedule', {}, null, 'refs/heads/trunk')).toMatchObject({
      onDefaultBranch: false,
      isPrivate: null,
    })
  })
})
