import type { Rule } from './finding.ts'

/** The most that Docker's overlay2 driver takes (`maxDepth` of moby's daemon/graphdriver/overlay2; `docker build` says "max depth exceeded"). */
const LIMIT = 127
/** From this many on it is worth a word. */
const CLOSE = 100

/** An image with so many layers that an engine will soon refuse it, or one that is made from it. */
export const layerCount: Rule = ({ layers }) =>
  layers.length < CLOSE
    ? []
    : [
        {
          what: [`${layers.length} layers, of the ${LIMIT} that engines take`],
          paths: [],
          count: 0,
          bytes: null,
          layer: null,
          otherLayer: null,
          fix: ['join ', { code: 'RUN' }, ' instructions that belong together by ', { code: '&&' }],
          key: 'layer-count',
        },
      ]
