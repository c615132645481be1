import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from './errors.ts';

/** What an agent knows about its authority: made at enrolment, kept in `agent.json`, changed by hand if need be. */
export type Settings = {
  /** Base URLs, tried in order from one that worked last; none at a site without a network. */
  readonly servers: readonly string[];
  /** The EST label: the enterprise. */
  readonly label?: string;
  /** An HTTP proxy, for those who cannot get out otherwise. */
  readonly proxy?: string;
  /** Where products ask; none: no socket, no port. */
  readonly socket?: string;
  readonly port?: number;
  /** A file of node_exporter's textfile collector. */
  readonly metrics?: string;
  /** The servers show certificates that browsers trust, and not the vendor's own. Licenses hang on its root all the same. */
  readonly publicTls?: boolean;
  /** The license is bound to this machine: what tells it from others is looked at with each verdict. */
  readonly machine?: boolean;
  /** Keys are born in a PKCS#11 token and stay there. */
  readonly pkcs11?: {
    /** The library of the token, e.g. /usr/lib/softhsm/libsofthsm2.so. */
    readonly library: string;
    /** The label of the token. */
    readonly token: string;
    readonly pinFile: string;
    /** Where the package pkcs11js is installed; default: where Node looks. */
    readonly module?: string;
  };
  /** Key and license are kept in AWS Secrets Manager; the folder is a copy. */
  readonly secretsManager?: {
    /** Name or ARN. */
    readonly secret: string;
    readonly region: string;
    readonly endpoint?: string;
  };
  /** Further texts that tell this machine from others. */
  readonly fingerprints?: readonly string[];
};

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isYesOrNo: Check = (value) => typeof value === 'boolean';
const CHECKS: Readonly<Record<keyof Settings, readonly [Check, string]>> = {
  servers: [
    (value) => Array.isArray(value) && value.every(isServer),
    'a list of https:// addresses, empty at a site without a network',
  ],
  label: [
    (value) => typeof value === 'string' && /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})?$/.test(value),
    'the short name of an enterprise',
  ],
  proxy: [isProxy, 'an address like http://proxy:3128'],
  socket: [isText, 'a path'],
  port: [(value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65_536, 'a port'],
  metrics: [isText, 'a path'],
  publicTls: [isYesOrNo, 'true or false'],
  machine: [isYesOrNo, 'true or false'],
  pkcs11: [
    (value) => hasTexts(value, ['library', 'token', 'pinFile'], ['module']),
    '{ "library", "token", "pinFile" }, with "module" where pkcs11js is elsewhere',
  ],
  secretsManager: [
    (value) => hasTexts(value, ['secret', 'region'], ['endpoint']),
    '{ "secret", "region" }, with an "endpoint" where that is not the usual one',
  ],
  fingerprints: [(value) => Array.isArray(value) && value.every(isText), 'a list of texts'],
};

function hasTexts(value: unknown, needed: readonly string[], optional: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const known = new Set([...needed, ...optional]);
  const entries = Object.entries(value);
  return needed.every((name) => name in value) && entries.every(([name, text]) => known.has(name) && isText(text));
}

/**
 * Spoken to in the clear. What goes to a server is encrypted from end to end, by CONNECT; CRLs and OCSP, which are for
 * everybody and have proofs of their own, the proxy sees.
 */
function isProxy(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, pathname, search, hash } = new URL(value);
  return protocol === 'http:' && pathname === '/' && search === '' && hash === '';
}

function isServer(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, search, hash, username } = new URL(value);
  return protocol === 'https:' && search === '' && hash === '' && username === '';
}

export function checkSettings(value: unknown, where: string): Settings {
  const invalid = (why: string): AgentError => new AgentError('SETTINGS_INVALID', `${where}: ${why}.`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('this is no object of settings');
  for (const [key, given] of Object.entries(value)) {
    const check = CHECKS[key as keyof Settings] as (typeof CHECKS)[keyof Settings] | undefined;
    if (check === undefined) throw invalid(`"${key}" is no setting; there are ${Object.keys(CHECKS).join(', ')}`);
    if (!check[0](given)) throw invalid(`"${key}" has to be ${check[1]}`);
  }
  if (!('servers' in value)) throw invalid('"servers" is missing');
  return value as Settings;
}

export async function loadSettings(folder: string): Promise<Settings> {
  const path = join(folder, 'agent.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new AgentError('NOT_ENROLLED', `There is no site in ${folder}: enrol first (licet-agent enrol).`);
  }
  return checkSettings(parse(text, path), path);
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError('SETTINGS_INVALID', `${where} is no JSON: ${(error as Error).message}.`, { cause: error });
  }
}
