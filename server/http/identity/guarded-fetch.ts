import { lookup as systemLookup } from 'node:dns';
import { request } from 'node:https';
import { hostOf, OutboundRefused, publicLookup, refusedHost } from '../../outbound/public-address.ts';

/** Why something was not fetched. */
export class FetchRefused extends OutboundRefused {
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

/**
 * For what is fetched while somebody waits for an answer: two such documents, one behind the other, end before
 * `http.timeouts.answerSeconds` does, so that the answer says what was waited for.
 */
export const FETCH_LIMITS = { timeoutMs: 2000, mostBytes: 256 * 1024 } as const;

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
  const host = hostOf(url);
  const isPrivate = guard.privateHosts.includes(host);
  const refused = isPrivate ? undefined : refusedHost(host);
  if (refused !== undefined) throw new FetchRefused(`${refused}.`);
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
      response.once('error', ({ message }) => fail(`breaks off: ${message}`));
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
      reject(new FetchRefused(`${url.href} ${why}.`, { cause: error }));
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
