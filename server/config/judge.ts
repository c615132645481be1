import type { z } from 'zod';
import { type Config, schema } from './schema.ts';
import type { Key } from './keys.ts';
import type { Given, Problem } from './sources.ts';
import { suggestion } from './suggest.ts';

export type Judgement = { readonly config: Config | undefined; readonly problems: readonly Problem[] };

/** Puts what was given to the schema, and says each objection in our words: place, source, what is allowed. */
export function judge(given: readonly Given[], keys: readonly Key[]): Judgement {
  const problems: Problem[] = [];
  const tree: Tree = Object.create(null) as Tree;
  for (const item of given) {
    const clash = place(tree, item);
    if (clash !== undefined) problems.push(clash);
  }
  const result = schema.safeParse(tree);
  if (result.success) return { config: result.data, problems };
  for (const issue of result.error.issues) problems.push(...objections(issue, given, keys));
  return { config: undefined, problems };
}

type Tree = { [name: string]: unknown };

function place(tree: Tree, item: Given): Problem | undefined {
  const names = item.path.split('.');
  const last = names.pop()!;
  let node = tree;
  for (const name of names) {
    const below = (node[name] ??= Object.create(null) as Tree);
    if (typeof below !== 'object' || below === null) {
      return { path: item.path, origin: item.origin, message: `cannot be set: ${name} was given as a single value` };
    }
    node = below as Tree;
  }
  node[last] = item.value;
  return undefined;
}

function objections(issue: z.core.$ZodIssue, given: readonly Given[], keys: readonly Key[]): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey([...path, name].join('.'), given, keys));
  }
  const key = keyAbove(path, keys);
  if (key === undefined) {
    const section = path.join('.');
    return [{ path: section, origin: originOf(section, given), message: 'must be a section with keys below it' }];
  }
  const item = given.find((one) => one.path === key.path);
  if (issue.code === 'custom') return [{ path: key.path, origin: item?.origin ?? 'not set', message: issue.message }];
  const shown = key.isSecret ? 'its value (not shown)' : JSON.stringify(item?.value);
  const message = `${shown} is not allowed; allowed: ${key.allowed}`;
  return [{ path: key.path, origin: item?.origin ?? 'not set', message }];
}

/** An issue inside a list is an issue of the list. */
function keyAbove(path: readonly string[], keys: readonly Key[]): Key | undefined {
  for (let length = path.length; length > 0; length--) {
    const key = keys.find((candidate) => candidate.path === path.slice(0, length).join('.'));
    if (key !== undefined) return key;
  }
  return undefined;
}

function unknownKey(path: string, given: readonly Given[], keys: readonly Key[]): Problem {
  const names = keys.map((key) => key.path);
  const sections = new Set(names.flatMap((name) => name.split('.').map((_, i, all) => all.slice(0, i + 1).join('.'))));
  return { path, origin: originOf(path, given), message: `is not a key${suggestion(path, [...sections])}` };
}

const originOf = (path: string, given: readonly Given[]): string =>
  given.find((item) => item.path === path || item.path.startsWith(`${path}.`))?.origin ?? 'not set';
