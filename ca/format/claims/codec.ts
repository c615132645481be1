import { DerReader } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import { DerWriter } from '../der/writer.ts';
import { fromHex, toHex } from '../bytes.ts';
import { readGeneralizedTime, writeGeneralizedTime } from '../time.ts';
import type { Draft } from '../x509/extensions/raw.ts';
import { readUtf8 } from '../x509/text.ts';
import type { Bytes } from '../x509/types.ts';
import { BINDING_TAG, CLAIMS_V1, REPORTING_TAG } from './asn1.ts';
import { checkClaims, fail } from './check.ts';
import { CLAIMS_LIMITS, DEGRADES, ENFORCES, MODES, SCOPES } from './claims.ts';
import type { Binding, Claims, Limit, Mode, Reporting, Term, Tier } from './claims.ts';

// Two features of one letter each take 6 bytes, so 4 KiB hold fewer elements than this; the syntax is 4 deep.
const READER_LIMITS = { size: CLAIMS_LIMITS.bytes, depth: 8, nodes: 2048 } as const;

/**
 * The content of the claims extension. Throws a FormatError that names the claim when the claims break a rule of
 * `asn1.ts` (CLAIMS_INVALID), or are more than a certificate may carry (CLAIMS_LIMIT).
 */
export function encodeClaims(claims: Claims): Uint8Array<ArrayBuffer> {
  checkClaims(claims);
  const writer = new DerWriter();
  writer.open(Tag.SEQUENCE).integer(CLAIMS_V1);
  writer.octetString(fromHex(claims.id.replaceAll('-', '')));
  writer.integer(claims.sequence);
  writer.namedBits(claims.modes.reduce((mask, mode) => mask | (1 << MODES.indexOf(mode)), 0));
  writer.open(Tag.SEQUENCE).integer(claims.tier.rank).text(claims.tier.code).close();
  writer.open(Tag.SEQUENCE);
  for (const feature of claims.features) writer.text(feature);
  writer.close().open(Tag.SEQUENCE);
  for (const limit of claims.limits) writeLimit(writer, limit);
  writer.close().open(Tag.SEQUENCE);
  writeGeneralizedTime(writer, claims.term.from);
  writeGeneralizedTime(writer, claims.term.to);
  writer.close();
  writer.integer(claims.grace).integer(claims.contact).enumerated(DEGRADES.indexOf(claims.degrade));
  if (claims.binding) writeBinding(writer, claims.binding);
  if (claims.reporting) {
    writer.open(REPORTING_TAG).integer(claims.reporting.every).boolean(claims.reporting.required).close();
  }
  const bytes = writer.close().finish();
  checkSize(bytes);
  return bytes;
}

/**
 * The claims in the content of a claims extension. Accepts nothing but the bytes that `encodeClaims` makes of the
 * result. Throws a FormatError: a DER_ code for bytes that are no DER, CLAIMS_VERSION for claims of a later version,
 * CLAIMS_INVALID and CLAIMS_LIMIT as for encoding.
 */
export function decodeClaims(bytes: Bytes): Claims {
  checkSize(bytes);
  const reader = new DerReader(bytes, 'claims', READER_LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  const version = readInteger(reader, 'version');
  if (version !== CLAIMS_V1) fail('version', `version ${version} is unknown here`, 'CLAIMS_VERSION');
  const claims: Draft<Claims> = {
    id: readId(reader),
    sequence: readInteger(reader, 'sequence'),
    modes: readModes(reader),
    tier: readTier(reader),
    features: readList(reader, 'features', readCode),
    limits: readList(reader, 'limits', readLimit),
    term: readTerm(reader),
    grace: readInteger(reader, 'grace'),
    contact: readInteger(reader, 'contact'),
    degrade: readEnumerated(reader, 'degrade', DEGRADES),
  };
  if (reader.peek() === BINDING_TAG) claims.binding = readBinding(reader);
  if (reader.peek() === REPORTING_TAG) claims.reporting = readReporting(reader);
  reader.leave();
  reader.finish();
  checkClaims(claims);
  return claims;
}

function checkSize(bytes: Bytes): void {
  if (bytes.length <= CLAIMS_LIMITS.bytes) return;
  const features = 'shorten the longest of its lists: features, limits';
  fail('', `take ${bytes.length} bytes, at most ${CLAIMS_LIMITS.bytes} are allowed; ${features}`, 'CLAIMS_LIMIT');
}

function writeLimit(writer: DerWriter, limit: Limit): void {
  writer.open(Tag.SEQUENCE).text(limit.code);
  if (limit.max === 'unlimited') writer.null();
  else writer.integer(limit.max);
  writer.enumerated(SCOPES.indexOf(limit.scope)).enumerated(ENFORCES.indexOf(limit.enforce)).close();
}

function writeBinding(writer: DerWriter, { need, digests }: Binding): void {
  writer.open(BINDING_TAG).integer(need).open(Tag.SEQUENCE);
  if (digests !== 'any') for (const digest of digests) writer.octetString(fromHex(digest));
  writer.close().close();
}

function readId(reader: DerReader): string {
  const id = reader.octetString('id');
  if (id.length !== 16) reader.fail('CLAIMS_INVALID', 'id', `is ${id.length} bytes long instead of 16`);
  const hex = toHex(id);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A non-negative INTEGER that fits a number. */
function readInteger(reader: DerReader, name: string): number {
  const content = reader.integer(name);
  if (content[0]! >= 0x80) reader.fail('CLAIMS_INVALID', name, 'is negative');
  let value = 0;
  for (let i = 0; i < content.length && i < 8; i += 1) value = value * 256 + content[i]!;
  if (content.length > 8 || value > CLAIMS_LIMITS.integer) {
    reader.fail('CLAIMS_LIMIT', name, `is above ${CLAIMS_LIMITS.integer}`);
  }
  return value;
}

function readEnumerated<T>(reader: DerReader, name: string, all: readonly T[]): T {
  const value = all[reader.enumerated(name)];
  return value ?? reader.fail('CLAIMS_INVALID', name, `is none of ${all.join(', ')}`);
}

function readModes(reader: DerReader): Mode[] {
  const mask = reader.namedBits('modes', MODES.length);
  return MODES.filter((_, bit) => mask & (1 << bit));
}

function readTier(reader: DerReader): Tier {
  reader.enter(Tag.SEQUENCE, 'tier');
  const tier = { rank: readInteger(reader, 'rank'), code: readCode(reader, 'code') };
  reader.leave();
  return tier;
}

function readList<T>(reader: DerReader, name: string, read: (reader: DerReader, index: number) => T): T[] {
  const values: T[] = [];
  reader.enter(Tag.SEQUENCE, name);
  while (reader.peek() !== -1) values.push(read(reader, values.length));
  reader.leave();
  return values;
}

function readLimit(reader: DerReader, index: number): Limit {
  reader.enter(Tag.SEQUENCE, index);
  const limit = {
    code: readCode(reader, 'code'),
    max: readMax(reader),
    scope: readEnumerated(reader, 'scope', SCOPES),
    enforce: readEnumerated(reader, 'enforce', ENFORCES),
  };
  reader.leave();
  return limit;
}

function readMax(reader: DerReader): Limit['max'] {
  if (reader.peek() !== Tag.NULL) return readInteger(reader, 'max');
  reader.null('max');
  return 'unlimited';
}

function readTerm(reader: DerReader): Term {
  reader.enter(Tag.SEQUENCE, 'term');
  const term = { from: readGeneralizedTime(reader, 'from'), to: readGeneralizedTime(reader, 'to') };
  reader.leave();
  return term;
}

function readBinding(reader: DerReader): Binding {
  reader.enter(BINDING_TAG, 'binding');
  const need = readInteger(reader, 'need');
  const digests = readList(reader, 'digests', readDigest);
  reader.leave();
  return { need, digests: digests.length === 0 ? 'any' : digests };
}

function readDigest(reader: DerReader, index: number): string {
  return toHex(reader.octetString(index));
}

function readReporting(reader: DerReader): Reporting {
  reader.enter(REPORTING_TAG, 'reporting');
  const reporting = { every: readInteger(reader, 'every'), required: reader.boolean('required') };
  reader.leave();
  return reporting;
}

function readCode(reader: DerReader, name: string | number): string {
  return readUtf8(reader, name) ?? reader.fail('CLAIMS_INVALID', name, 'is no UTF-8');
}
