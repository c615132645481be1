import type { DerReader, PathStep } from '../../der/reader.ts';
import { explicit, implicit, Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import { readGeneralName, writeGeneralName } from '../general-name.ts';
import type { CertificateExtensions, GeneralName, NameConstraints } from '../types.ts';

// More certificates than any path has; a number above it means the same as no limit, and is refused as nonsense.
const MAX_COUNT = 0x7f_ff_ff_ff;

export type BasicConstraints = NonNullable<CertificateExtensions['basicConstraints']>;

/** RFC 5280 §4.2.1.9. */
export function readBasicConstraints(reader: DerReader): BasicConstraints {
  reader.enter(Tag.SEQUENCE, '');
  const ca = reader.booleanDefaultFalse('cA');
  const pathLength = reader.peek() === -1 ? undefined : reader.smallInteger('pathLen', MAX_COUNT);
  if (pathLength !== undefined && !ca) {
    reader.fail('X509_INVALID', 'pathLen', 'limits the path below a certificate that is no CA');
  }
  reader.leave();
  return { ca, pathLength };
}

export function writeBasicConstraints(
  writer: DerWriter,
  value: { ca: boolean; pathLength?: number | undefined },
): void {
  writer.open(Tag.SEQUENCE).booleanDefaultFalse(value.ca);
  if (value.pathLength !== undefined) writer.integer(value.pathLength);
  writer.close();
}

/** RFC 5280 §4.2.1.10: "conforming CAs MUST NOT issue certificates where name constraints is an empty sequence". */
export function readNameConstraints(reader: DerReader): NameConstraints {
  reader.enter(Tag.SEQUENCE, '');
  if (reader.peek() === -1) reader.fail('X509_INVALID', '', 'constrains nothing');
  const permitted = readSubtrees(reader, 'permitted', explicit(0));
  const excluded = readSubtrees(reader, 'excluded', explicit(1));
  reader.leave();
  return { permitted, excluded };
}

function readSubtrees(reader: DerReader, name: PathStep, tag: number): GeneralName[] {
  const subtrees: GeneralName[] = [];
  if (!reader.enterIf(tag, name)) return subtrees;
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    subtrees.push(readGeneralName(reader, 'base', 'constraint'));
    // §4.2.1.10: minimum is 0, its default, and maximum is absent, for every form of name.
    if (reader.peek() !== -1) reader.fail('X509_INVALID', '', 'has a minimum or maximum, which RFC 5280 does not use');
    reader.leave();
  }
  if (subtrees.length === 0) reader.fail('X509_INVALID', '', 'is a list of subtrees without a subtree');
  reader.leave();
  return subtrees;
}

export function writeNameConstraints(writer: DerWriter, value: Partial<NameConstraints>): void {
  writer.open(Tag.SEQUENCE);
  writeSubtrees(writer, value.permitted, explicit(0));
  writeSubtrees(writer, value.excluded, explicit(1));
  writer.close();
}

function writeSubtrees(writer: DerWriter, names: readonly GeneralName[] | undefined, tag: number): void {
  if (names === undefined || names.length === 0) return;
  writer.open(tag);
  for (const name of names) {
    writer.open(Tag.SEQUENCE);
    writeGeneralName(writer, name);
    writer.close();
  }
  writer.close();
}

export type PolicyConstraints = NonNullable<CertificateExtensions['policyConstraints']>;

/** RFC 5280 §4.2.1.11. */
export function readPolicyConstraints(reader: DerReader): PolicyConstraints {
  reader.enter(Tag.SEQUENCE, '');
  if (reader.peek() === -1) reader.fail('X509_INVALID', '', 'constrains nothing');
  const requireExplicitPolicy = readSkipCerts(reader, 'requireExplicitPolicy', implicit(0));
  const inhibitPolicyMapping = readSkipCerts(reader, 'inhibitPolicyMapping', implicit(1));
  reader.leave();
  return { requireExplicitPolicy, inhibitPolicyMapping };
}

function readSkipCerts(reader: DerReader, name: PathStep, tag: number): number | undefined {
  return reader.peek() === tag ? reader.smallInteger(name, MAX_COUNT, tag) : undefined;
}

export function writePolicyConstraints(writer: DerWriter, value: Partial<PolicyConstraints>): void {
  writer.open(Tag.SEQUENCE);
  if (value.requireExplicitPolicy !== undefined) writer.integer(value.requireExplicitPolicy, implicit(0));
  if (value.inhibitPolicyMapping !== undefined) writer.integer(value.inhibitPolicyMapping, implicit(1));
  writer.close();
}

/** RFC 5280 §4.2.1.14. */
export function readInhibitAnyPolicy(reader: DerReader): number {
  return reader.smallInteger('', MAX_COUNT);
}
