import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What is read of the OpenAPI document of the server: the commands are made from it, so that both say the same. */
const schema = z.object({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  format: z.string().optional(),
  contentMediaType: z.string().optional(),
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get anyOf() {
    return z.array(schema).optional();
  },
  required: z.array(z.string()).optional(),
});
export type Schema = z.output<typeof schema>;

const parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().optional(),
  description: z.string().optional(),
  schema,
});

const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(parameter).default([]),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema }) }) }).optional(),
});

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schema).default({}) }),
});

export type Operation = z.output<typeof operation> & { readonly method: string; readonly path: string };
export type Operations = { get(name: string): Operation; resolve(schema: Schema): Schema };

let loaded: Operations | undefined;

export function operations(): Operations {
  loaded ??= load();
  return loaded;
}

function load(): Operations {
  const file = new URL('../../../docs/openapi.json', import.meta.url);
  const { components, paths } = document.parse(JSON.parse(readFileSync(file, 'utf8')));
  const byName = new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, it]) => [it.operationId, { ...it, path, method: method.toUpperCase() }] as const,
      ),
    ),
  );
  return {
    get(name) {
      const found = byName.get(name);
      if (found === undefined) throw new TypeError(`The API has no operation "${name}".`);
      return found;
    },
    resolve(it) {
      const found = it.$ref === undefined ? it : (components.schemas[it.$ref.split('/').at(-1) ?? ''] ?? it);
      // One of several forms: any field of any of them can be given, and the server says when they do not go together.
      const forms = found.anyOf?.filter(({ properties }) => properties !== undefined) ?? [];
      return forms.length === 0 ? found : { properties: Object.assign({}, ...forms.map((form) => form.properties)) };
    },
  };
}
