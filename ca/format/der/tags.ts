/** The identifier octets of X.690 §8.1.2 that X.509 uses. Only the low-tag-number form: nothing here needs tag 31 or more. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  VISIBLE_STRING: 0x1a,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** `[n]` over a primitive type, IMPLICIT. */
export function implicit(n: number): number {
  return CONTEXT | n;
}

/** `[n]` EXPLICIT, or IMPLICIT over a SEQUENCE or SET. */
export function explicit(n: number): number {
  return CONTEXT | CONSTRUCTED | n;
}

const NAMES = new Map<number, string>(Object.entries(Tag).map(([name, tag]) => [tag, name.replace('_', ' ')]));

/** For messages: `SEQUENCE`, `[0]`, `tag 0x1f`. */
export function tagName(tag: number): string {
  const name = NAMES.get(tag);
  if (name !== undefined) return name;
  if ((tag & 0xc0) === CONTEXT && (tag & 0x1f) !== 0x1f) return `[${tag & 0x1f}]`;
  return `tag 0x${tag.toString(16).padStart(2, '0')}`;
}
