import type { DerReader, PathStep } from '../../der/reader.ts';
import { Tag } from '../../der/tags.ts';
import type { DerWriter } from '../../der/writer.ts';
import type { PolicyInformation } from '../types.ts';

/** RFC 5280 §4.2.1.4: "a certificate policy OID MUST NOT appear more than once". */
export function readCertificatePolicies(reader: DerReader): PolicyInformation[] {
  const policies: PolicyInformation[] = [];
  const seen = new Set<string>();
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    const oid = reader.oid('id');
    if (seen.has(oid)) reader.fail('X509_INVALID', 'id', `the policy ${oid} occurs twice`);
    seen.add(oid);
    policies.push({ oid, qualifiers: reader.peek() === -1 ? [] : readQualifiers(reader, 'qualifiers') });
    reader.leave();
  }
  if (policies.length === 0) reader.fail('X509_INVALID', '', 'is a list of policies without a policy');
  reader.leave();
  return policies;
}

function readQualifiers(reader: DerReader, name: PathStep): PolicyInformation['qualifiers'] {
  const qualifiers = [];
  reader.enter(Tag.SEQUENCE, name);
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    qualifiers.push({ oid: reader.oid('id'), value: reader.any('value') });
    reader.leave();
  }
  if (qualifiers.length === 0) reader.fail('X509_INVALID', '', 'is a list of qualifiers without a qualifier');
  reader.leave();
  return qualifiers;
}

export function writeCertificatePolicies(writer: DerWriter, policies: readonly PolicyInformation[]): void {
  writer.open(Tag.SEQUENCE);
  for (const { oid, qualifiers } of policies) {
    writer.open(Tag.SEQUENCE).oid(oid);
    if (qualifiers.length > 0) {
      writer.open(Tag.SEQUENCE);
      for (const qualifier of qualifiers) writer.open(Tag.SEQUENCE).oid(qualifier.oid).raw(qualifier.value).close();
      writer.close();
    }
    writer.close();
  }
  writer.close();
}

export type PolicyMapping = { readonly issuer: string; readonly subject: string };

/** RFC 5280 §4.2.1.5. A mapping of anyPolicy is for the path validation to refuse. */
export function readPolicyMappings(reader: DerReader): PolicyMapping[] {
  const mappings: PolicyMapping[] = [];
  reader.enter(Tag.SEQUENCE, '');
  for (let i = 0; reader.peek() !== -1; i += 1) {
    reader.enter(Tag.SEQUENCE, i);
    mappings.push({ issuer: reader.oid('issuer'), subject: reader.oid('subject') });
    reader.leave();
  }
  if (mappings.length === 0) reader.fail('X509_INVALID', '', 'is a list of mappings without a mapping');
  reader.leave();
  return mappings;
}

export function writePolicyMappings(writer: DerWriter, mappings: readonly PolicyMapping[]): void {
  writer.open(Tag.SEQUENCE);
  for (const { issuer, subject } of mappings) writer.open(Tag.SEQUENCE).oid(issuer).oid(subject).close();
  writer.close();
}
