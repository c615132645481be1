import type { Name, NameAttribute } from '@licet/format';
import { equalBytes } from '@licet/format';

/** Text that only the case can make differ: visible ASCII and single spaces, nothing that JSON would escape. */
const PLAIN = /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/;

/** RFC 5280 §7.1: case and runs of white space do not matter, nor does the string type that carries the text. */
function attributeKey(attribute: NameAttribute): string {
  const { oid, value, raw } = attribute;
  if (value !== undefined && PLAIN.test(value)) return `${oid}="${value.toLowerCase()}"`;
  if (value === undefined) return `${oid}#${Array.from(raw, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
  const text = value.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
  // Quoted, so that no text can look like two attributes.
  return `${oid}=${JSON.stringify(text)}`;
}

/** The attributes of an RDN are a set (§7.1): their order does not matter. */
export function rdnKey(rdn: readonly NameAttribute[]): string {
  return rdn.length === 1 ? attributeKey(rdn[0]!) : rdn.map(attributeKey).sort().join('+');
}

/** Equal for exactly the names that RFC 5280 §7.1 takes for the same. */
export function nameKey(name: Name): string {
  return name.rdns.map(rdnKey).join(',');
}

const NOTHING: ReadonlyMap<string, never[]> = new Map();

/** Objects by the name of who they belong to. */
export function groupByName<T>(objects: readonly T[], nameOf: (object: T) => Name): ReadonlyMap<string, readonly T[]> {
  if (objects.length === 0) return NOTHING;
  const groups = new Map<string, T[]>();
  for (const object of objects) {
    const key = nameKey(nameOf(object));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [object]);
    else group.push(object);
  }
  return groups;
}

export function sameName(a: Name, b: Name): boolean {
  if (a.rdns.length !== b.rdns.length) return false;
  return equalBytes(a.raw, b.raw) || beginsWith(a, b);
}

function beginsWith(name: Name, base: Name): boolean {
  for (let i = 0; i < base.rdns.length; i += 1) if (!sameRdn(name.rdns[i]!, base.rdns[i]!)) return false;
  return true;
}

function sameRdn(a: readonly NameAttribute[], b: readonly NameAttribute[]): boolean {
  if (a.length === 1 && b.length === 1) {
    if (a[0]!.oid !== b[0]!.oid) return false;
    if (equalBytes(a[0]!.raw, b[0]!.raw)) return true;
  }
  return rdnKey(a) === rdnKey(b);
}

/** RFC 5280 §7.1: a name is within a subtree when the RDNs of the subtree are its first. */
export function isWithin(name: Name, subtree: Name): boolean {
  return subtree.rdns.length <= name.rdns.length && beginsWith(name, subtree);
}

export function isEmpty(name: Name): boolean {
  return name.rdns.length === 0;
}
