import type { Bytes, Certificate, GeneralName, GeneralNameKind, Name, NameConstraints } from '@licet/format';
import { OID } from '@licet/format';
import type { Budget } from '../budget.ts';
import { isEmpty, isWithin } from './directory.ts';
import { isHost, splitMailbox, uriHost } from './hosts.ts';

/** Forms of name whose constraints we cannot process: a name of such a form below such a constraint is refused (§4.2.1.10). */
const UNPROCESSED: ReadonlySet<GeneralNameKind> = new Set(['other', 'x400', 'edi', 'registeredId']);

/** What all certificates above have said about names: RFC 5280 §6.1.1 (b), (c), §6.1.4 (g). */
export type NameSpace = {
  /** One list for each certificate that permits anything: a name must lie within one subtree of each list. */
  readonly permitted: GeneralName[][];
  readonly excluded: GeneralName[];
};

export function anyNames(): NameSpace {
  return { permitted: [], excluded: [] };
}

/** §6.1.4 (g): permitted subtrees are intersected form by form, excluded ones united. */
export function narrow(space: NameSpace, constraints: NameConstraints): void {
  const before = space.permitted.length;
  for (const subtree of constraints.permitted) {
    const same = space.permitted.find((list, i) => i >= before && list[0]!.kind === subtree.kind);
    if (same === undefined) space.permitted.push([subtree]);
    else same.push(subtree);
  }
  for (const subtree of constraints.excluded) space.excluded.push(subtree);
}

/** The first name of the certificate that the space does not allow, in words, or undefined (§6.1.3 (b), (c)). */
export function nameOutside(space: NameSpace, certificate: Certificate, budget: Budget): string | undefined {
  if (space.permitted.length === 0 && space.excluded.length === 0) return undefined;
  for (const name of constrainedNames(certificate)) {
    for (const list of space.permitted) {
      if (list[0]!.kind !== name.kind) continue;
      budget.spendComparisons(list.length);
      if (!list.some((subtree) => covers(subtree, name) === 'all')) return `${describe(name)} is not permitted`;
    }
    budget.spendComparisons(space.excluded.length);
    const excluded = space.excluded.some((subtree) => subtree.kind === name.kind && covers(subtree, name) !== 'none');
    if (excluded) return `${describe(name)} is excluded`;
  }
  return undefined;
}

/** The subject counts as a directory name, and its e-mail addresses count when there is no subjectAltName (§4.2.1.10). */
function constrainedNames(certificate: Certificate): GeneralName[] {
  const { subject, extensions } = certificate;
  const names: GeneralName[] = [...(extensions.subjectAltName ?? [])];
  if (!isEmpty(subject)) names.push({ kind: 'directory', name: subject });
  if (extensions.subjectAltName === undefined) {
    for (const attribute of subject.rdns.flat()) {
      if (attribute.oid === OID.emailAddress) names.push({ kind: 'email', value: attribute.value ?? '' });
    }
  }
  return names;
}

/** Whether a subtree covers all, some or none of what a name stands for; only a wildcard can be covered in part. */
type Cover = 'all' | 'some' | 'none';

function covers(subtree: GeneralName, name: GeneralName): Cover {
  if (UNPROCESSED.has(subtree.kind)) return 'some';
  if (subtree.kind === 'dns' && name.kind === 'dns') return dnsCovers(subtree.value.toLowerCase(), name.value);
  return within(subtree, name);
}

function within(subtree: GeneralName, name: GeneralName): Cover {
  if (subtree.kind === 'directory' && name.kind === 'directory') return yes(isWithin(name.name, subtree.name));
  if (subtree.kind === 'email' && name.kind === 'email') return mailboxCovers(subtree.value, name.value);
  if (subtree.kind === 'uri' && name.kind === 'uri') return uriCovers(subtree.value, name.value);
  if (subtree.kind === 'ip' && name.kind === 'ip') return yes(addressWithin(subtree.bytes, name.bytes));
  return 'none';
}

function yes(covered: boolean): Cover {
  return covered ? 'all' : 'none';
}

/** §4.2.1.10: a name that grows to the left out of the base, by whole labels. An empty base covers every name. */
function dnsCovers(base: string, value: string): Cover {
  const name = value.toLowerCase();
  if (base === '') return 'all';
  if (!name.startsWith('*.')) return yes(isSubdomain(name, base));
  const parent = name.slice(2);
  if (isSubdomain(parent, base)) return 'all';
  // `*.example.com` also stands for `host.example.com`, which a base of that name covers.
  return base.endsWith(`.${parent}`) && !base.slice(0, -parent.length - 1).includes('.') ? 'some' : 'none';
}

function isSubdomain(name: string, base: string): boolean {
  return name === base || name.endsWith(`.${base}`);
}

/** A leading period stands for hosts below, a bare host for itself alone; used by mailboxes and URIs alike. */
function hostWithin(host: string, base: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base);
}

/** A malformed name cannot be shown to be outside of anything, so it counts as covered in part: neither permitted nor free. */
function mailboxCovers(base: string, value: string): Cover {
  const name = splitMailbox(value);
  if (name === undefined) return 'some';
  const exact = splitMailbox(base);
  if (exact !== undefined) return yes(name.local === exact.local && name.host === exact.host);
  return yes(hostWithin(name.host, base.toLowerCase()));
}

function uriCovers(base: string, value: string): Cover {
  const host = uriHost(value);
  // §4.2.1.10: a URI without a host name cannot be constrained, so it is refused.
  return host === undefined ? 'some' : yes(hostWithin(host, base.toLowerCase()));
}

function addressWithin(subtree: Bytes, address: Bytes): boolean {
  const size = address.length;
  if (subtree.length !== size * 2) return false;
  return address.every((octet, i) => (octet & subtree[size + i]!) === (subtree[i]! & subtree[size + i]!));
}

/** Whether a subtree has the form that §4.2.1.10 gives it; addresses and masks were checked by the decoder. */
export function isSubtree(subtree: GeneralName): boolean {
  switch (subtree.kind) {
    case 'dns':
      // No leading period here: that is the form of URIs (x509-limbo refuses it, OpenSSL takes it).
      return subtree.value === '' || isHost(subtree.value);
    case 'email':
      return splitMailbox(subtree.value) !== undefined || isHostBase(subtree.value);
    case 'uri':
      return isHostBase(subtree.value);
    default:
      return true;
  }
}

function isHostBase(base: string): boolean {
  return base === '' || isHost(base.startsWith('.') ? base.slice(1) : base);
}

function describe(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
    case 'email':
    case 'uri':
      return `the ${name.kind} name "${name.value}"`;
    case 'directory':
      return `the directory name "${directoryText(name.name)}"`;
    default:
      return `a name of the form ${name.kind}`;
  }
}

function directoryText(name: Name): string {
  return name.rdns.map((rdn) => rdn.map(({ oid, value }) => `${oid}=${value ?? '?'}`).join('+')).join(',');
}
