import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { type Endpoint, hasBody, isOpen, TAGS } from '../api/endpoint.ts';
import { problem } from './problem-schema.ts';
import { refusalsOf } from './refusals.ts';

const INTRODUCTION = `The license server: contracts, sites and their licenses, and what may be asked about them.

**Who asks.** \`Authorization: Bearer <API token>\`, a session, or the license of a site as a TLS client certificate.
A site whose key no TLS handshake can use signs the request instead (RFC 9421): \`signature\` below.
**Errors** are RFC 9457 problem documents. \`code\` is stable; \`detail\` says what is wrong and what to do.
**Nothing is guessed.** An unknown field or query parameter is refused; \`errors\` points to each.
**Changing.** A GET answers an ETag; changes want it back in If-Match where they say so, so that nobody undoes another's.
**Repeating.** With an Idempotency-Key, where a call takes one, it is done once, however often it is sent.
**Lists** are pages by key: \`next\` of one page is \`after\` of the next one; the Link header says the same.
**Not found** is also the answer for what belongs to somebody else.`;

/** The three headers belong together. */
const SIGNATURE = { signature: [], signatureInput: [], contentDigest: [] };
const SIGNED =
  'RFC 9421, by the key of the license: `licet=("@method" "@path" "@query" "content-digest");created=SECONDS;nonce="AT LEAST 128 RANDOM BITS, BASE64URL";keyid="ORGANIZATION/SERIAL";tag="licet"`, in this order. The query of an address without one is `?`. Good for five minutes and once.';

/** OpenAPI 3.1, made from what the server itself validates with. */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): object {
  const paths: ZodOpenApiPathsObject & Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const shared = commonRefusals(endpoints);
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[endpoint.method.toLowerCase()] = operationOf(endpoint, shared);
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Licet',
      version,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ token: [] }, { license: [] }, SIGNATURE],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token or the access token of a session.' },
        // OpenAPI 3.1 has it; the types of the generator are those of 3.0.
        license: {
          type: 'mutualTLS' as 'http',
          description: 'The license of a site; the CAs above it need not come with it.',
        },
        signature: { type: 'apiKey', in: 'header', name: 'Signature', description: SIGNED },
        signatureInput: { type: 'apiKey', in: 'header', name: 'Signature-Input', description: SIGNED },
        contentDigest: { type: 'apiKey', in: 'header', name: 'Content-Digest', description: 'RFC 9530, SHA-256.' },
      },
    },
  });
}

function operationOf(endpoint: Endpoint, shared: Shared): ZodOpenApiOperationObject {
  const { action, body, description, example, operation, params, query, summary, tag } = endpoint;
  const header = headersOf(endpoint);
  return {
    operationId: operation,
    tags: [tag],
    summary,
    description: [description, isOpen(action) ? 'Anyone may ask.' : `Needs the right \`${action}\`.`]
      .filter((part) => part !== undefined)
      .join('\n\n'),
    ...(isOpen(action) ? { security: [] } : { 'x-action': action }),
    requestParams: { ...(params && { path: params }), ...(query && { query }), ...(header && { header }) },
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: body, example: example.body } } },
    }),
    responses: responsesOf(endpoint, shared),
  };
}

function headersOf(endpoint: Endpoint): z.ZodObject | undefined {
  const headers: Record<string, z.ZodType> = {};
  if (endpoint.changesVersion === true) {
    const description = 'The ETag of the version that is changed, or `*`.';
    headers['If-Match'] = z.string().meta({ description, example: '"3"' });
  }
  if (endpoint.repeats !== undefined) {
    const description = 'Chosen by the caller, new for each thing it wants done; kept for a day at least.';
    const key = z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/)
      .optional();
    headers['Idempotency-Key'] = key.meta({ description, example: 'order-4711' });
  }
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

function responsesOf(endpoint: Endpoint, shared: Shared): NonNullable<ZodOpenApiOperationObject['responses']> {
  const { answer, example, status } = endpoint;
  const { media = ['application/json'] } = endpoint;
  const content = Object.fromEntries(media.map((type) => [type, { schema: answer, example: example.answer }]));
  const good = { description: STATUS_CODES[status] ?? '', ...(hasBody(status) && { content }) };
  const refusals = [...refusalsOf(endpoint)].map(([refusal, codes]) => {
    const description = described(codes);
    const common = shared.get(refusal);
    return [String(refusal), common?.description === description ? common : refusalWith(refusal, description)];
  });
  return { [status]: good, ...Object.fromEntries(refusals) };
}

/** By status: the refusal that most calls have, word for word. */
type Shared = ReadonlyMap<number, ZodOpenApiResponseObject>;

/** Each stands once in the document, under the name of its status: said again for every call, they were a third of it. */
function commonRefusals(endpoints: readonly Endpoint[]): Shared {
  const calls = new Map<number, Map<string, number>>();
  for (const [status, codes] of endpoints.flatMap((endpoint) => [...refusalsOf(endpoint)])) {
    const counts = calls.get(status) ?? new Map<string, number>();
    calls.set(status, counts.set(described(codes), (counts.get(described(codes)) ?? 0) + 1));
  }
  const named = [...calls].map(([status, counts]) => {
    const [[description]] = [...counts].sort(([, a], [, b]) => b - a) as [[string, number]];
    const id = (STATUS_CODES[status] ?? String(status)).replaceAll(/\W/g, '');
    return [status, { id, ...refusalWith(status, description) }] as const;
  });
  return new Map(named);
}

const described = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');

const refusalWith = (status: number, description: string): ZodOpenApiResponseObject => ({
  description,
  ...([429, 503].includes(status) && { headers: retryAfter }),
  content: { 'application/problem+json': { schema: problem } },
});

const retryAfter = z.object({ 'Retry-After': z.string().meta({ description: 'Seconds.' }) });
