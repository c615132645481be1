import type { Name, NameAttribute } from '@licet/format';
import { equalBytes } from '@licet/format';

const rdnKeys = new WeakMap<Name, readonly string[]>();
const nameKeys = new WeakMap<Name, string>();

/** RFC 5280 §7.1: case and runs of white space do not matter, nor does the string type that carries the text. */
function attributeKey(attribute: NameAttribute): string {
  const { oid, value, raw } = attribute;
  if (value === undefined) return `${oid}#${Array.from(raw, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
  const text = value.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
  // Quoted, so that no text can look like two attributes.
  return `${oid}=${JSON.stringify(text)}`;
}

/** The attributes of an RDN are a set (§7.1): their order does not matter. */
export function rdnKey(rdn: readonly NameAttribute[]): string {
  return rdn.length === 1 ? attributeKey(rdn[0]!) : rdn.map(attributeKey).sort().join('+');
}

function rdnKeysOf(name: Name): readonly string[] {
  let keys = rdnKeys.get(name);
  if (keys === undefined) {
    keys = name.rdns.map(rdnKey);
    rdnKeys.set(name, keys);
  }
  return keys;
}

/** Equal for exactly the names that RFC 5280 §7.1 takes for the same. */
export function nameKey(name: Name): string {
  let key = nameKeys.get(name);
  if (key === undefined) {
    key = rdnKeysOf(name).join(',');
    nameKeys.set(name, key);
  }
  return key;
}

export function sameName(a: Name, b: Name): boolean {
  return equalBytes(a.raw, b.raw) || nameKey(a) === nameKey(b);
}

/** RFC 5280 §7.1: a name is within a subtree when the RDNs of the subtree are its first. */
export function isWithin(name: Name, subtree: Name): boolean {
  const base = rdnKeysOf(subtree);
  const keys = rdnKeysOf(name);
  return base.length <= keys.length && base.every((key, i) => key === keys[i]);
}

export function isEmpty(name: Name): boolean {
  return name.rdns.length === 0;
}
