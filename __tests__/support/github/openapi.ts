/**
 * Checks requests and responses against GitHub's OpenAPI description (`openapi.json`, made by `scripts/cut-openapi.ts`).
 *
 * The description leaves its objects open: a misspelt key would pass as an unknown one. Here every object is closed as
 * well, so that a key which the description does not know is a problem, in a request and in a response.
 */
import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

type Schema = {
  $ref?: string
  type?: string | string[]
  nullable?: boolean
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
type Content = { content?: Record<string, { schema: Schema }> }
type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }
type OperationObject = {
  operationId: string
  parameters?: (Parameter | { $ref: string })[]
  requestBody?: Content & { required?: boolean }
  responses: Record<string, Content | { $ref: string }>
}

/** One operation of the description, and what a request's path says for its parameters. */
export type Operation = {
  /** GitHub's own name: `issues/create-comment`. */
  id: string
  method: string
  /** Path with its parameters' names: `/repos/{owner}/{repo}`. */
  template: string
  /** Decoded values of the path's parameters. */
  params: Record<string, string>
}

const description = withNullable(JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8'))) as {
  paths: Record<string, Record<string, OperationObject>>
}

const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, logger: false })
addFormats.default(ajv)
ajv.addSchema(description, 'github')
const compiled = new Map<string, ValidateFunction>()

/** Errors that any operation may answer with, although few of them are described one by one. */
const COMMON_ERRORS = new Set(['400', '401', '403', '404', '429', '500', '502', '503', '504'])
const BASIC_ERROR: Schema = { $ref: '#/components/schemas/basic-error' }

/** OpenAPI 3.0's `nullable` as JSON Schema, at every level. */
function withNullable(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withNullable)
  if (node === null || typeof node !== 'object') return node
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, withNullable(value)]),
  )
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest
}

function resolve<T extends object>(node: T | { $ref: string }): T {
  if (!('$ref' in node) || typeof node.$ref !== 'string') return node as T
  let found: unknown = description
  for (const key of node.$ref.split('/').slice(1)) found = (found as Record<string, unknown>)[key]
  return found as T
}

/** Problems of a value, each with where it is. */
function problems(schema: Schema, value: unknown, where: string): string[] {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"github#/')
  const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text) as object)
  compiled.set(text, validate)
  if (validate(value)) return unknownKeys([schema], value, where)
  return (validate.errors ?? []).map((error) => `${where}${error.instancePath} ${error.message}`)
}

/** The schemas that a schema is put together from, itself among them. */
function parts(schema: Schema): Schema[] {
  const own = resolve<Schema>(schema)
  return [own, ...[own.anyOf, own.oneOf, own.allOf].flatMap((list) => (list ?? []).flatMap(parts))]
}

function unknownKeys(schemas: Schema[], value: unknown, where: string): string[] {
  const all = schemas.flatMap(parts)
  if (Array.isArray(value)) {
    const items = all.flatMap((schema) => schema.items ?? [])
    return value.flatMap((item, index) => unknownKeys(items, item, `${where}/${index}`))
  }
  if (value === null || typeof value !== 'object') return []
  const described = all.some((schema) => schema.properties !== undefined)
  const open = all.some(
    (schema) => schema.additionalProperties === true || typeof schema.additionalProperties === 'object',
  )
  return Object.entries(value).flatMap(([key, child]) => {
    const found = all.flatMap((schema) => schema.properties?.[key] ?? [])
    if (found.length > 0) return unknownKeys(found, child, `${where}/${key}`)
    return described && !open ? [`${where}/${key} is not a key that GitHub knows`] : []
  })
}

/** The text of a parameter as the type that its schema asks for; text that is not of that type stays text. */
function fromText(schema: Schema, text: string): unknown {
  const type = parts(schema).find((part) => part.type !== undefined)?.type
  if ((type === 'integer' || type === 'number') && /^-?\d+$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function parametersOf(operation: Operation): Parameter[] {
  return (objectOf(operation).parameters ?? []).map((parameter) => resolve<Parameter>(parameter))
}

function objectOf(operation: Operation): OperationObject {
  const found = description.paths[operation.template]?.[operation.method.toLowerCase()]
  if (found === undefined) throw new Error(`${operation.id} is not in the description`)
  return found
}

/** The operation that answers a method and an encoded path, or null where the description has none. */
export function findOperation(method: string, path: string): Operation | null {
  const segments = path.split('/')
  for (const [template, item] of Object.entries(description.paths)) {
    const names = template.split('/')
    const found = item[method.toLowerCase()]
    // The last parameter of some paths ({ref}, {path}) takes slashes too.
    const takesRest = /\/\{(?:ref|path)\}$/.test(template)
    if (found === undefined || (takesRest ? segments.length < names.length : segments.length !== names.length)) continue
    const params: Record<string, string> = {}
    const fits = names.every((name, index) => {
      const rest = takesRest && index === names.length - 1
      const segment = rest ? segments.slice(index).join('/') : (segments[index] ?? '')
      if (!name.startsWith('{')) return name === segment
      params[name.slice(1, -1)] = decodeURIComponent(segment)
      return segment !== ''
    })
    if (fits) return { id: found.operationId, method, template, params }
  }
  return null
}

/**
 * What is wrong with a request; empty when nothing is.
 * `body` is the parsed JSON, or undefined where the request has none.
 */
export function requestProblems(operation: Operation, query: URLSearchParams, body: unknown): string[] {
  const parameters = parametersOf(operation)
  const found: string[] = []
  for (const parameter of parameters) {
    const text = parameter.in === 'query' ? query.get(parameter.name) : operation.params[parameter.name]
    if (parameter.in === 'header') continue
    if (text === undefined || text === null) {
      if (parameter.required === true) found.push(`${parameter.in} parameter ${parameter.name} is missing`)
    } else {
      const where = `${parameter.in} parameter ${parameter.name}`
      found.push(...problems(parameter.schema, fromText(parameter.schema, text), where))
    }
  }
  for (const name of query.keys()) {
    if (!parameters.some((parameter) => parameter.in === 'query' && parameter.name === name)) {
      found.push(`query parameter ${name} is not one that GitHub knows`)
    }
  }

  const { requestBody } = objectOf(operation)
  const schema = requestBody?.content?.['application/json']?.schema
  if (body === undefined) {
    if (requestBody?.required === true) found.push('body is missing')
  } else if (schema === undefined) {
    found.push('body is not expected')
  } else {
    found.push(...problems(schema, body, 'body'))
  }
  return found
}

/** What is wrong with a response; empty when nothing is. `body` undefined: none. */
export function responseProblems(operation: Operation, status: number, body: unknown): string[] {
  const described = objectOf(operation).responses[String(status)]
  if (described === undefined && !COMMON_ERRORS.has(String(status))) return [`status ${status} is not described`]
  const content = described === undefined ? undefined : resolve<Content>(described).content
  const schema = content?.['application/json']?.schema ?? (status >= 400 ? BASIC_ERROR : undefined)
  if (schema === undefined) return body === undefined ? [] : [`status ${status} has no body`]
  // GitHub repeats the status in the body of every error, also where the description does not have it.
  if (status >= 400 && body !== null && typeof body === 'object') {
    const { status: repeated, ...rest } = body as { status?: unknown }
    return [
      ...(repeated === String(status) ? [] : [`response/status is ${JSON.stringify(repeated)}`]),
      ...problems(schema, rest, 'response'),
    ]
  }
  return problems(schema, body, 'response')
}
