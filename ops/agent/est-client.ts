import { type Bytes, decodeCertsOnly, encodePem, FormatError, fromBase64 } from '@licet/format';
import { AgentError } from './errors.ts';
import { call, type HttpAnswer, type HttpCall, type Identity, isAway, type Trust } from './http.ts';

export type EstServers = {
  readonly servers: readonly string[];
  readonly label?: string | undefined;
  readonly proxy?: string | undefined;
};

/** Who we are: a token from the enrolment kit, the license that we have, or what the request itself says of that. */
export type Credentials = { readonly token: string } | { readonly identity: Identity } | 'in the request';

/** RFC 7030, as much of it as a site needs. Servers are tried in turn until one gives an answer that is final. */
export class EstClient {
  readonly #options: EstServers;
  readonly #signal: AbortSignal | undefined;
  /** Starts with the server that answered last. */
  #preferred = 0;

  constructor(options: EstServers, signal?: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The CA certificates, RFC 7030 §4.1, as DER. */
  async caCertificates(trust: Trust): Promise<Bytes[]> {
    const answer = await this.#ask('cacerts', { method: 'GET', trust, headers: { Accept: 'application/pkcs7-mime' } });
    return certificatesOf(answer);
  }

  /** RFC 7030 §4.2: the license alone, as DER; the chain comes with `caCertificates`. */
  async request(request: Bytes, credentials: Credentials, trust: Trust): Promise<Bytes> {
    const [token, identity] =
      credentials === 'in the request'
        ? []
        : 'token' in credentials
          ? [credentials.token]
          : [undefined, credentials.identity];
    const answer = await this.#ask(token === undefined ? 'simplereenroll' : 'simpleenroll', {
      method: 'POST',
      trust,
      headers: {
        'Content-Type': 'application/pkcs10',
        'Content-Transfer-Encoding': 'base64',
        ...(token !== undefined && { Authorization: `Basic ${Buffer.from(`site:${token}`).toString('base64')}` }),
      },
      body: Buffer.from(request).toString('base64'),
      identity,
    });
    const [license] = certificatesOf(answer);
    if (license === undefined) throw new AgentError('ANSWER_INVALID', 'The server answered without a certificate.');
    return license;
  }

  async #ask(operation: string, request: Omit<HttpCall, 'url' | 'proxy' | 'signal'>): Promise<HttpAnswer> {
    const { servers, proxy } = this.#options;
    let last: unknown = noServer();
    for (let tried = 0; tried < servers.length; tried++) {
      const index = (this.#preferred + tried) % servers.length;
      try {
        const url = this.#url(servers[index] ?? '', operation);
        const answer = refuseOthers(await call({ ...request, proxy, signal: this.#signal, url }));
        this.#preferred = index;
        return answer;
      } catch (error) {
        // A refusal is an answer, and the next server has the same rules. Being away or busy is not.
        if (!isAway(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  #url(server: string, operation: string): string {
    const { label } = this.#options;
    return `${server.replace(/\/+$/, '')}/.well-known/est/${label === undefined ? '' : `${label}/`}${operation}`;
  }
}

export const noServer = (): AgentError =>
  new AgentError(
    'NO_SERVER',
    'This site has no server: carry a request by hand (licet-agent request --out FILE), or name one in agent.json.',
  );

function refuseOthers(answer: HttpAnswer): HttpAnswer {
  const { status } = answer;
  if (status === 200) return answer;
  const more = { retryAfterSeconds: retryAfter(answer), serverCode: header(answer, 'x-licet-code') };
  const said = sentenceIn(answer);
  if (status === 202) throw new AgentError('PENDING', said, more);
  // Who is told when to ask again is not refused: another request in the place of this one would look like a clone's.
  if (status === 429 || status >= 500 || more.retryAfterSeconds !== undefined)
    throw new AgentError('UNAVAILABLE', `The server cannot do it now: ${said}`, more);
  if (more.serverCode !== undefined) throw new AgentError('REFUSED', `The server refused: ${said}`, more);
  // Taken for the authority's word it would end a request that the authority has perhaps answered already, and the next
  // one would look like a clone's.
  const message = `What answered is no license authority, or stands in front of one (HTTP status ${status}): ${said}`;
  throw new AgentError('UNAVAILABLE', message, more);
}

/** The first line; the one behind it has the code, and by what the vendor finds the request in the log. */
function sentenceIn({ body, status }: HttpAnswer): string {
  const [said = '', more = ''] = body.toString('utf8').trim().slice(0, 500).split('\n');
  const request = /urn:licet:request:[\w.-]+/.exec(more)?.[0];
  if (said === '') return `HTTP status ${status}`;
  return status === 202 || request === undefined ? said : `${said} (${request})`;
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** RFC 9110 §10.2.3, the form in seconds; a date from a clock that is not ours says nothing reliable. */
function retryAfter(answer: HttpAnswer): number | undefined {
  const seconds = Number(header(answer, 'retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

function certificatesOf({ body }: HttpAnswer): Bytes[] {
  try {
    return decodeCertsOnly(fromBase64(body.toString('latin1'), 'lenient'));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const message = `The server's answer is no list of certificates (${error.message}): is it an authority?`;
    throw new AgentError('ANSWER_INVALID', message, { cause: error });
  }
}

export function toPem(certificates: readonly Bytes[]): string {
  return certificates.map((der) => encodePem('CERTIFICATE', der)).join('');
}
