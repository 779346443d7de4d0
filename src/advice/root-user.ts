import type { Rule } from './finding.ts'

/** The final stage has no `USER`, or root: by name or number, with or without a group. */
export const rootUser: Rule = ({ settings }) =>
  settings !== null && /^(?:(?:root|0+)(?::.*)?)?$/.test(settings.user)
    ? [
        {
          what: ['the container runs as root'],
          paths: [],
          count: 0,
          bytes: null,
          layer: null,
          otherLayer: null,
          fix: ['add a ', { code: 'USER' }, ' to the final stage'],
          key: 'root-user',
        },
      ]
    : []
