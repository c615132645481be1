import { HttpError } from '../problem.ts';

export type JsonLimits = { readonly depth: number; readonly keys: number };

/** What a property name must not be: it would reach into the prototype of whatever the value is merged into. */
const PROTOTYPE_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON as RFC 8259 recommends it for strangers: UTF-8, bounded depth and number of names, each name once (parsers differ
 * on which of two wins, and an attacker picks the difference).
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new HttpError(400, 'JSON_MALFORMED', 'The body is not UTF-8.');
  }
  checkStructure(text, limits);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new HttpError(400, 'JSON_MALFORMED', 'The body is not JSON.');
  }
}

const refuse = (message: string) => new HttpError(400, 'JSON_REFUSED', message);

/** One pass over the text, before a parser builds anything of it. It need not be JSON: the parser will tell. */
function checkStructure(text: string, limits: JsonLimits): void {
  const open: (Set<string> | undefined)[] = []; // the names of each open object; undefined for an array
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > limits.depth) throw refuse(`The body is nested deeper than ${limits.depth} levels.`);
    } else if (char === '}' || char === ']') open.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      if (isName(text, end)) {
        if (++keys > limits.keys) throw refuse(`The body has more than ${limits.keys} names.`);
        checkName(text.slice(at, end), open.at(-1));
      }
      at = end - 1;
    }
  }
}

/** The index after the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  // From quote to quote and not from character to character: a license with its chain is one string of 10 KB.
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    if (!isEscaped(text, at)) return at + 1;
  }
  return text.length;
}

/** After an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first -= 1;
  return (at - first) % 2 === 1;
}

function isName(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}

function checkName(quoted: string, siblings: Set<string> | undefined): void {
  let name: string;
  try {
    name = JSON.parse(quoted) as string;
  } catch {
    throw new HttpError(400, 'JSON_MALFORMED', 'The body is not JSON.');
  }
  if (PROTOTYPE_NAMES.has(name)) throw refuse(`The name "${name}" is not allowed.`);
  if (siblings?.has(name) === true) throw refuse('A name is given twice in one object.');
  siblings?.add(name);
}
