/** Forms of host, mailbox, URI and address that certificates and their constraints speak of. All pure text. */

// RFC 1123 §2.1 and RFC 1034 §3.1: letters, digits and inner hyphens, labels of 63, 253 in all. RFC 5280 §4.2.1.6 asks
// for this "preferred name syntax", so an underscore is refused.
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const MAX_HOST = 253;

/** A name that consists of digits in its last label is an address in disguise, and addresses have a form of their own. */
const LOOKS_LIKE_ADDRESS = /(?:^|\.)\d+$/;

export function isHost(text: string): boolean {
  return text.length <= MAX_HOST && HOST.test(text.toLowerCase());
}

/** A dNSName in a certificate: a host, or `*.` and a host of two labels or more (a wildcard over a whole TLD is refused). */
export function isDnsPattern(text: string): boolean {
  if (!text.startsWith('*.')) return isHost(text) && !LOOKS_LIKE_ADDRESS.test(text);
  const parent = text.slice(2);
  return isHost(parent) && parent.includes('.') && !LOOKS_LIKE_ADDRESS.test(parent);
}

/** RFC 9525 §6.3: a wildcard stands for exactly one whole leftmost label. */
export function dnsMatches(pattern: string, host: string): boolean {
  const wanted = host.toLowerCase();
  const given = pattern.toLowerCase();
  if (!isDnsPattern(given) || !isDnsPattern(wanted) || wanted.startsWith('*')) return false;
  if (!given.startsWith('*.')) return given === wanted;
  const dot = wanted.indexOf('.');
  // A wildcard does not stand for an internationalized label (RFC 9525 §6.3 leaves it open; the Web refuses it).
  return dot > 0 && wanted.slice(dot) === given.slice(1) && !wanted.startsWith('xn--');
}

export function splitMailbox(text: string): { local: string; host: string } | undefined {
  const at = text.lastIndexOf('@');
  if (at <= 0) return undefined;
  const local = text.slice(0, at);
  const host = text.slice(at + 1).toLowerCase();
  // RFC 2821 §4.1.2: an unquoted local part holds no second @ and no space.
  const quoted = /^"(?:[^"\\]|\\.)*"$/.test(local);
  if (!isHost(host) || (!quoted && /[@\s"<>(),:;[\]\\]/.test(local))) return undefined;
  return { local, host };
}

/** RFC 5280 §7.5: the local part is compared as it stands, the host without regard to case. */
export function mailboxMatches(given: string, wanted: string): boolean {
  const a = splitMailbox(given);
  const b = splitMailbox(wanted);
  return a !== undefined && b !== undefined && a.local === b.local && a.host === b.host;
}

const URI = /^[a-z][a-z0-9+.-]*:.+$/is;
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:@]*)(?::\d*)?(?:[/?#]|$)/is;

/** RFC 5280 §4.2.1.6: a scheme and something after it, and no white space. */
export function isAbsoluteUri(text: string): boolean {
  return URI.test(text) && !/[\s<>"{}|\\^`]/.test(text);
}

/** The host of a URI, in lower case, or undefined when it has none that is a name (§4.2.1.10). */
export function uriHost(text: string): string | undefined {
  const host = AUTHORITY.exec(text)?.[1]?.toLowerCase();
  return host !== undefined && isHost(host) && !LOOKS_LIKE_ADDRESS.test(host) ? host : undefined;
}

/** RFC 5280 §7.4: scheme and host in any case, the rest as it stands. */
export function uriMatches(given: string, wanted: string): boolean {
  return isAbsoluteUri(given) && normalUri(given) === normalUri(wanted);
}

function normalUri(text: string): string {
  return text.replace(/^[^/?#]*:(?:\/\/[^/?#]*)?/, (head) => {
    const at = head.lastIndexOf('@');
    return at < 0 ? head.toLowerCase() : head.slice(0, at) + head.slice(at).toLowerCase();
  });
}

/** The 4 or 16 bytes of an address as text, or undefined. Leading zeros and hexadecimal IPv4 parts are refused. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map(ipv6Groups);
  const [head, tail] = groups;
  if (head === undefined || groups.includes(undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function ipv6Groups(half: string): number[] | undefined {
  if (half === '') return [];
  const groups: number[] = [];
  for (const [i, part] of half.split(':').entries()) {
    const last = i === half.split(':').length - 1;
    const embedded = last && part.includes('.') ? ipv4Bytes(part) : undefined;
    if (embedded !== undefined) groups.push(embedded[0]! * 256 + embedded[1]!, embedded[2]! * 256 + embedded[3]!);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
