import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Why nothing was sent: for the log and the administrator, never for a stranger. */
export class OutboundRefused extends Error {
  override readonly name: string = 'OutboundRefused';
}

/** The host as it is looked up: an IPv6 address without its brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** An address in numbers is never looked up, so it is judged here; undefined: it is a name, or a public address. */
export function refusedHost(host: string): string | undefined {
  return isIP(host) !== 0 && isSpecial(host) ? `${host} is no public address` : undefined;
}

/** Resolves for the connection itself, so that no second look-up can find another address than the judged one. */
export const publicLookup: LookupFunction = (host, options, callback) => {
  const all: LookupOptions & { all: true } = { ...options, all: true };
  systemLookup(host, all, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, []);
    const bad = found.find(({ address }) => isSpecial(address));
    if (bad !== undefined) {
      return callback(new OutboundRefused(`${host} leads to ${bad.address}, no public address`), []);
    }
    const [first] = found;
    if (options.all === true || first === undefined) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** RFC 6890 and its successors in the registry of special addresses, and multicast: what is no place in the Internet. */
const SPECIAL_4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // also where clouds tell a machine its secrets
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
// Of IPv6 only 2000::/3 is in use. That leaves out the mapped and the translated addresses, which lead to an IPv4 one.
const SPECIAL_6 = blockList('ipv6', [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

export function isSpecial(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return true;
  return version === 4 ? SPECIAL_4.check(address, 'ipv4') : SPECIAL_6.check(address, 'ipv6');
}

function blockList(family: 'ipv4' | 'ipv6', networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}
