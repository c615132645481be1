import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { invalid } from './invalid.ts';
import * as field from './fields.ts';

const guarded = (root: { shares?: { custodians: string[] } | undefined; pkcs11?: unknown }) =>
  (root.shares === undefined) !== (root.pkcs11 === undefined);
const GUARD = 'must have either shares or pkcs11';

/** Which CA a request is for: a license CA of the organization, its service CA, or the CA of an enterprise. */
export const AUTHORITIES = ['organization', 'service', 'enterprise'] as const;
export type AuthorityKind = (typeof AUTHORITIES)[number];
const authority = z.enum(AUTHORITIES);

const root = z.strictObject({ ceremony: z.literal('root'), ...field.common, ...field.rootKey }).refine(guarded, GUARD);

const request = z.strictObject({
  ceremony: z.literal('request'),
  ...field.common,
  authority,
  algorithm: field.algorithm,
  subject: field.subject,
  signer: field.signer,
  /** A second CA beside the first: a new key of the next generation. */
  successor: z.boolean().default(false),
});

const sign = z.strictObject({
  ceremony: z.literal('sign'),
  ...field.common,
  authority,
  request: field.path,
  /** Of the request, as it was read out; without it, it is asked for. */
  fingerprint: field.fingerprint.optional(),
  issuer: field.issuer,
  subject: field.subject,
  claims: field.claims.optional(),
  until: field.instant.optional(),
});

const accept = z.strictObject({
  ceremony: z.literal('accept'),
  ...field.common,
  authority,
  chain: field.path,
  /** Of the root certificate, from somewhere else than the chain. */
  rootFingerprint: field.fingerprint,
  /** Certificates by which one root vouches for another. */
  links: z.array(field.path).default([]),
  signer: field.signer,
});

const crl = z.strictObject({
  ceremony: z.literal('crl'),
  ...field.common,
  issuer: field.issuer,
  /** When the first one begins; without it, now. */
  from: field.instant.optional(),
  periodDays: z.int().min(1).max(400),
  /** How long each one is still good beside the next. */
  overlapDays: z.int().min(0).max(400),
  count: z.int().min(1).max(400),
  revoked: z.array(field.revocation).default([]),
  /** The folder of the ceremony before: nothing that it revoked may be missing here. */
  previous: field.path.optional(),
});

// The new root has the name of the old one: see steps/rollover.ts.
const { subject: _, ...rolledKey } = field.rootKey;

const rollover = z
  .strictObject({
    ceremony: z.literal('rollover'),
    ...field.common,
    old: field.issuer,
    ...rolledKey,
  })
  .refine(guarded, GUARD);

const shares = z.strictObject({
  ceremony: z.literal('shares'),
  ...field.common,
  /** Opens by the shares of now. */
  signer: z.strictObject({ folder: field.path, shares: z.array(field.path).min(2) }),
  shares: field.shares,
});

const SCHEMAS = { root, request, sign, accept, crl, rollover, shares };

export type CeremonyKind = keyof typeof SCHEMAS;
export const CEREMONIES: readonly CeremonyKind[] = ['root', 'request', 'sign', 'accept', 'crl', 'rollover', 'shares'];
export type CeremonyConfig = { [kind in CeremonyKind]: z.output<(typeof SCHEMAS)[kind]> }[CeremonyKind];
export type ConfigOf<K extends CeremonyKind> = Extract<CeremonyConfig, { ceremony: K }>;
export type SignerChoice = z.output<typeof field.signer>;
export type IssuerChoice = z.output<typeof field.issuer>;
export type ShareChoice = z.output<typeof field.shares>;
export type RootKeyChoice = Pick<ConfigOf<'root'>, 'algorithm' | 'until' | 'publish' | 'shares' | 'pkcs11'>;

/** Longer ones are not reviewed by anybody. */
const MOST_CHARACTERS = 256 * 1024;

/** Reads the one file of a ceremony; names every thing in it that is wrong. */
export function readCeremony(text: string, allowed: readonly CeremonyKind[]): CeremonyConfig {
  const raw = parseYaml(text);
  const kind = typeof raw === 'object' && raw !== null && 'ceremony' in raw ? raw.ceremony : undefined;
  const known = allowed.find((name) => name === kind);
  if (known === undefined) {
    throw invalid([`ceremony: must be ${allowed.join(' or ')} and is ${JSON.stringify(kind) ?? 'missing'}`]);
  }
  const parsed = SCHEMAS[known].safeParse(raw);
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(sentences));
  return parsed.data;
}

function parseYaml(text: string): unknown {
  if (text.length > MOST_CHARACTERS) throw invalid([`it is longer than ${MOST_CHARACTERS} characters`]);
  const document = parseDocument(text, { lineCounter: new LineCounter(), uniqueKeys: true });
  if (document.errors.length > 0) throw invalid(document.errors.map(({ message }) => message.split('\n')[0] ?? ''));
  // No aliases: a reviewer reads each value where it stands.
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw invalid(['it uses an alias (*name); write each value out']);
  }
}

function sentences(issue: z.core.$ZodIssue): string[] {
  const at = (key?: PropertyKey) => [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${at(key)}: there is no such key`);
  return [`${at() || 'the file'}: ${issue.message}`];
}
