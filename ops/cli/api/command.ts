import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { readInput } from '../read-input.ts';
import { callApi } from './client.ts';
import type { Context } from './contexts.ts';
import { type Operation, operations, type Schema } from './document.ts';
import { chosenContext } from './session.ts';
import { show } from './show.ts';

/** One verb: `licet site retire <id>`. Its arguments and options are those of the operation in the OpenAPI document. */
export type Verb = {
  readonly verb: string;
  readonly operation: string;
  /** What cannot be taken back: asks first. */
  readonly isFinal?: boolean;
  /** What it does to others, at once: asks first. */
  readonly warning?: string;
  /** Of a body, what the verb itself says: `licet site suspend` is `update` with the status `suspended`. */
  readonly says?: Readonly<Record<string, unknown>>;
  /** Other words than the document's. */
  readonly summary?: string;
};

type Options = Readonly<Record<string, string | boolean | undefined>>;

export function registerGroup(
  program: Command,
  io: CliIo,
  { name, description, verbs }: { name: string; description: string; verbs: readonly Verb[] },
): Command {
  const group = program.command(name).description(description).exitOverride();
  registerVerbs(group, io, verbs);
  return group;
}

export function registerVerbs(group: Command, io: CliIo, verbs: readonly Verb[]): void {
  for (const verb of verbs) registerVerb(group, io, verb);
}

function registerVerb(group: Command, io: CliIo, verb: Verb): void {
  const operation = operations().get(verb.operation);
  const command = group
    .command(verb.verb)
    .description(verb.summary ?? operation.summary)
    .exitOverride();
  for (const { name, description } of operation.parameters.filter((it) => it.in === 'path')) {
    command.argument(`<${name}>`, description ?? '');
  }
  for (const field of fieldsOf(operation, verb)) {
    const text = [field.description, field.isRequired ? '(required)' : ''].filter(Boolean).join(' ');
    command.option(`--${kebab(field.name)} <${field.kind}>`, text);
  }
  if (operation.requestBody) command.option('--data <file>', 'the whole body as JSON; options are laid over it');
  if (takesVersion(operation)) command.option('--if-version <version>', 'only if it is still this version');
  command.option('--out <file>', 'write the PEM of the answer to a file');
  command.option('--context <name>', 'another server than the current one').option('--json', 'the answer as JSON');
  if (operation.method !== 'GET') command.option('--dry-run', 'show what would be sent, and send nothing');
  if (asks(verb)) command.option('--yes', 'do not ask');
  command.action(async (...given: unknown[]) => {
    const ids = given.slice(0, -2) as string[];
    await run({ io, verb, operation, ids, options: given.at(-2) as Options });
  });
}

type Field = {
  readonly name: string;
  readonly from: 'query' | 'body';
  readonly kind: 'text' | 'number' | 'json' | 'file' | 'yes|no';
  readonly isRequired: boolean;
  readonly description: string | undefined;
};

function fieldsOf({ parameters, requestBody }: Operation, { says = {} }: Verb): Field[] {
  const query = parameters
    .filter((it) => it.in === 'query')
    .map((it) => fieldOf('query', it.name, it.schema, it.required === true, it.description));
  const body = operations().resolve(requestBody?.content['application/json'].schema ?? {});
  const own = Object.entries(body.properties ?? {})
    .filter(([name]) => !(name in says))
    .map(([name, it]) => fieldOf('body', name, it, body.required?.includes(name) === true, it.description));
  return [...query, ...own];
}

function fieldOf(
  from: Field['from'],
  name: string,
  given: Schema,
  isRequired: boolean,
  description: string | undefined,
): Field {
  const schema = operations().resolve(given);
  const choices = schema.enum?.map(String).join(', ');
  const text = [description ?? schema.description, choices].filter(Boolean).join(' ');
  return { from, name, kind: kindOf(schema), isRequired, description: text };
}

function kindOf({ type, contentMediaType }: Schema): Field['kind'] {
  if (contentMediaType !== undefined) return 'file';
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 'number';
  return type === 'boolean' ? 'yes|no' : 'json';
}

type Run = {
  readonly io: CliIo;
  readonly verb: Verb;
  readonly operation: Operation;
  readonly ids: readonly string[];
  readonly options: Options;
};

async function run({ io, verb, operation, ids, options }: Run): Promise<void> {
  const fields = fieldsOf(operation, verb);
  const query = await valuesOf(fields, 'query', options, io);
  const path = pathOf(operation, ids, query);
  const body = operation.requestBody && (await bodyOf(fields, verb, options, io));
  const { method } = operation;
  if (options['dryRun'] === true) {
    io.out(JSON.stringify({ method, path, ...(body !== undefined && { body }) }, null, 2));
    return;
  }
  const context = await chosenContext(io, options['context'] as string | undefined);
  if (asks(verb) && options['yes'] !== true) await confirm(io, `${verb.verb} ${ids.join(' ')}`, verb.warning);
  const ifMatch = takesVersion(operation) ? await versionFor(context, operation, ids, options['ifVersion']) : undefined;
  const isRepeatable = operation.parameters.some(({ name }) => name === 'Idempotency-Key');
  const answer = await callApi(context, { method, path, ifMatch, isRepeatable, ...(body !== undefined && { body }) });
  show(io, answer.body, { isJson: options['json'] === true, out: options['out'] as string | undefined });
}

const asks = ({ isFinal = false, warning }: Verb): boolean => isFinal || warning !== undefined;

function pathOf({ path, parameters }: Operation, ids: readonly string[], query: Record<string, unknown>): string {
  const names = parameters.filter((it) => it.in === 'path').map(({ name }) => name);
  const filled = names.reduce((text, name, at) => text.replace(`{${name}}`, encodeURIComponent(ids[at] ?? '')), path);
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

const takesVersion = ({ parameters }: Operation): boolean => parameters.some(({ name }) => name === 'If-Match');

/** The version that was named, or the one that is there now: still refused when somebody changes it in between. */
async function versionFor(
  context: Context,
  operation: Operation,
  ids: readonly string[],
  named: Options[string],
): Promise<string> {
  if (named !== undefined) return `"${String(named)}"`;
  // `/contracts/{id}/suspend` changes what `/contracts/{id}` shows.
  const thing = { ...operation, path: operation.path.replace(/(\{\w+\})\/.*$/, '$1') };
  return (await callApi(context, { method: 'GET', path: pathOf(thing, ids, {}) })).etag ?? '*';
}

async function bodyOf(fields: readonly Field[], { says }: Verb, options: Options, io: CliIo): Promise<unknown> {
  const { data } = options;
  const whole = typeof data === 'string' ? parseJson((await readInput(data, io)).toString('utf8'), data) : {};
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) {
    throw new CliError(EXIT.usage, 'DATA_INVALID', `${String(data)} must hold one JSON object.`);
  }
  const body = { ...whole, ...(await valuesOf(fields, 'body', options, io)), ...says };
  const missing = fields.filter(({ from, isRequired, name }) => from === 'body' && isRequired && !(name in body));
  if (missing.length === 0) return body;
  const flags = missing.map(({ name }) => `--${kebab(name)}`).join(', ');
  throw new CliError(EXIT.usage, 'OPTION_MISSING', `Give ${flags}, or a file with --data.`);
}

async function valuesOf(
  fields: readonly Field[],
  from: Field['from'],
  options: Options,
  io: CliIo,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const field of fields.filter((it) => it.from === from)) {
    const text = options[camel(field.name)];
    if (typeof text === 'string') values[field.name] = await valueOf(field, text, io);
  }
  return values;
}

async function valueOf({ name, kind }: Field, text: string, io: CliIo): Promise<unknown> {
  switch (kind) {
    case 'text':
      return text;
    case 'file':
      return (await readInput(text, io)).toString('utf8');
    case 'number': {
      if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
      throw new CliError(EXIT.usage, 'OPTION_INVALID', `--${kebab(name)} must be a number, not "${text}".`);
    }
    case 'yes|no': {
      if (text === 'yes' || text === 'no') return text === 'yes';
      throw new CliError(EXIT.usage, 'OPTION_INVALID', `--${kebab(name)} must be yes or no.`);
    }
    default:
      return parseJson(text, `--${kebab(name)}`);
  }
}

/** A value that is no JSON is meant as the text it is: `--max unlimited`, `--features export`. */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (/^[\w./-]+$/.test(text)) return text;
    throw new CliError(EXIT.usage, 'JSON_INVALID', `${where} must be JSON, e.g. '{"region":"north"}' or '["a","b"]'.`);
  }
}

export async function confirm(io: CliIo, what: string, warning = 'cannot be taken back'): Promise<void> {
  if (!('isTTY' in io.stdin && io.stdin.isTTY === true)) {
    throw new CliError(EXIT.usage, 'NOT_CONFIRMED', `"${what}" ${warning}: repeat it with --yes.`);
  }
  const lines = createInterface({ input: io.stdin, output: process.stderr });
  const answer = await lines.question(`${what}: this ${warning}. Type yes: `);
  lines.close();
  if (answer.trim() !== 'yes') throw new CliError(EXIT.no, 'NOT_CONFIRMED', 'Nothing was done.');
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
/** As commander names the option: `--if-version` is `ifVersion`. */
const camel = (name: string): string =>
  kebab(name).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
