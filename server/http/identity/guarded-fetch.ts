import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import { request } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Why something was not fetched: for the log and the administrator, never for a stranger. */
export class FetchRefused extends Error {
  override readonly name = 'FetchRefused';
}

export type FetchGuard = {
  /** Names that may lead to private addresses: issuers of the own network. */
  readonly privateHosts: readonly string[];
  /** PEM: who vouches for those, beside the public CAs. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  readonly mostBytes: number;
};

/** To be sent by POST instead of a GET, as OAuth wants it. */
export type Form = { readonly fields: URLSearchParams; readonly authorization?: string | undefined };

/**
 * A JSON document of somebody else, over TLS, from a public address, as it stands: no redirect is followed, no more is
 * read than allowed, and the address that was judged is the one that is connected to.
 */
export function fetchJson(address: string, guard: FetchGuard, form?: Form): Promise<unknown> {
  const url = new URL(address);
  if (url.protocol !== 'https:') throw new FetchRefused(`${url.href} is no https address.`);
  if (url.username !== '' || url.password !== '')
    throw new FetchRefused('An address with a password in it is refused.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isPrivate = guard.privateHosts.includes(host);
  // An address in numbers is never looked up.
  if (!isPrivate && isIP(host) !== 0 && isSpecial(host)) throw new FetchRefused(`${host} is no public address.`);
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(guard.timeoutMs);
    const options = {
      signal,
      agent: false,
      method: form === undefined ? 'GET' : 'POST',
      headers: headersOf(form),
      lookup: isPrivate ? systemLookup : publicLookup,
      ...(isPrivate && guard.ca !== undefined && { ca: guard.ca }),
    };
    const asked = request(url, options, (response) => {
      const fail = (message: string) => {
        response.destroy();
        reject(new FetchRefused(`${url.href} ${message}.`));
      };
      if (response.statusCode !== 200) return fail(`answers ${response.statusCode}`);
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > guard.mostBytes) fail(`sends more than ${guard.mostBytes} bytes`);
        else parts.push(part);
      });
      response.once('error', reject);
      response.once('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(parts).toString('utf8')));
        } catch {
          fail('sends no JSON');
        }
      });
    });
    asked.once('error', (error) => {
      const why = signal.aborted
        ? `does not answer within ${guard.timeoutMs} ms`
        : `cannot be reached: ${error.message}`;
      reject(error instanceof FetchRefused ? error : new FetchRefused(`${url.href} ${why}.`, { cause: error }));
    });
    asked.end(form?.fields.toString());
  });
}

function headersOf(form: Form | undefined): Record<string, string> {
  const accept = { accept: 'application/json' };
  if (form === undefined) return accept;
  const { authorization } = form;
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return { ...accept, ...type, ...(authorization !== undefined && { authorization }) };
}

/** Resolves for the connection itself, so that no second look-up can find another address than the judged one. */
const publicLookup: LookupFunction = (host, options, callback) => {
  const all: LookupOptions & { all: true } = { ...options, all: true };
  systemLookup(host, all, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, []);
    const bad = found.find(({ address }) => isSpecial(address));
    if (bad !== undefined) return callback(new FetchRefused(`${host} leads to ${bad.address}, no public address`), []);
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
