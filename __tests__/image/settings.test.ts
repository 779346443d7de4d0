import { expect, test } from '@jest/globals'
import { settingsOf } from '../../src/image/settings.ts'

const buildArgs = (...history: string[]) =>
  settingsOf({
    os: 'linux',
    architecture: 'amd64',
    config: {},
    history: history.map((createdBy) => ({ created_by: createdBy })),
  })?.buildArgs

test.each([
  ['ARG A=1 NPM_TOKEN=abc', ['A', 'NPM_TOKEN']],
  ['/bin/sh -c #(nop)  ARG A NPM_TOKEN=abc B=', ['NPM_TOKEN']],
  ['ARG NPM_TOKEN', []],
  ['ARG A=1 https://host/?TOKEN=x', ['A']],
  ['RUN echo ARG A=1', []],
])('%s', (instruction, names) => expect(buildArgs(instruction)).toEqual(names))

test('what RUN was given is told of any name that one ARG of several declares', () => {
  expect(buildArgs('ARG A NPM_TOKEN', 'RUN |2 A=1 NPM_TOKEN=abc /bin/sh -c X=1 npm ci')).toEqual(['A', 'NPM_TOKEN'])
})
