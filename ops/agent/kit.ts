import { readFile } from 'node:fs/promises';
import { FormatError, fromBase64Url } from '@licet/format';
import { AgentError } from './errors.ts';
import { checkSettings, type Settings } from './settings.ts';

/** The enrolment kit: all that a site needs to get its license, in one small file or on one command line. */
export type Kit = {
  readonly settings: Settings;
  /** SHA-256 of the root certificate, lower-case hexadecimal: the one thing that has to come by a way we trust. */
  readonly rootFingerprint: string;
  readonly token: string;
  /** Of the site, where the token leaves that open. */
  readonly name?: string | undefined;
};

/** How a kit begins that is a word of a command line: its JSON in base64url comes behind that. */
const IN_ONE_WORD = /^licet-kit\.([\w-]+)$/;

/** A kit as `licet site kit` gives it: the word itself, or a file that holds the word or the JSON. */
export async function readKit(given: string): Promise<Kit> {
  if (IN_ONE_WORD.test(given)) return parseKit(given, 'The kit');
  return parseKit((await readFile(given, 'utf8')).trim(), given);
}

export function parseKit(text: string, where: string): Kit {
  const value = parse(text, where);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, 'it is no object');
  const { rootFingerprint, token, version, ...settings } = value as Record<string, unknown>;
  if (version !== 1) throw invalid(where, `its version is ${String(version)}; this agent reads version 1`);
  return makeKit(settings, rootFingerprint, token, where);
}

function parse(text: string, where: string): unknown {
  try {
    const [, word] = IN_ONE_WORD.exec(text) ?? [];
    return JSON.parse(word === undefined ? text : Buffer.from(fromBase64Url(word)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof FormatError)) throw error;
    throw invalid(where, `it is damaged or cut off (${error.message})`);
  }
}

export function makeKit(settings: unknown, rootFingerprint: unknown, token: unknown, where: string): Kit {
  if (typeof token !== 'string' || token === '') throw invalid(where, 'the token is missing');
  if (typeof rootFingerprint !== 'string') throw invalid(where, "the root's fingerprint is missing");
  const fingerprint = rootFingerprint.replaceAll(/[:\s]/g, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(fingerprint))
    throw invalid(where, "the root's fingerprint has to be SHA-256, 64 hexadecimal digits");
  const checked = checkSettings(settings, where);
  if (checked.servers.length === 0) throw invalid(where, 'it names no server');
  return { settings: checked, rootFingerprint: fingerprint, token };
}

const invalid = (where: string, why: string): AgentError =>
  new AgentError('KIT_INVALID', `${where} is no enrolment kit: ${why}. Ask for a new one (licet site kit).`);
