import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { decodeCertificate, decodeCertsOnly, decodePem, encodePem, fromBase64, toHex } from '@licet/format';
import { type Answer, ask, codeOf, NoAnswer, type Question } from './ask.ts';
import { pause } from './server-process.ts';
import { makeSiteKey, type SiteKey } from './site-key.ts';

export type CrowdOptions = {
  /** Tried in turn, as long as nothing was sent. */
  readonly ports: readonly number[];
  readonly ca: string;
  /** Of an operator. */
  readonly token: string;
  readonly contract: string;
  readonly clients: number;
};

const RENEWALS = 4;
/** Every so manieth site is retired when it has had them. */
const RETIRED_EVERY = 4;
/** Every so manieth has an enterprise made and closed besides, which is carried out in two steps. */
const CLOSES_EVERY = 10;
/** A request that is still without an answer is repeated as it is for so long: longer than servers are killed. */
const SOLVED_WITHIN_MS = 1_800_000;
/** After so many attempts a client begins something else meanwhile. */
const FIRST_TRIES = 3;
const MOST_ASIDE = 500;
const LONGEST_PAUSE_MS = 1000;

type License = { readonly serial: string; readonly leaf: string; readonly chain: string; readonly key: SiteKey };

/**
 * Clients as they are out there, which know nothing but the public protocols: each makes a site with its license over
 * the API, renews it by EST over mutual TLS, and retires some. What had no answer is asked again as it was.
 */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #aside = new Set<Promise<void>>();
  readonly #name = randomUUID().slice(0, 8);
  #clients: Promise<void>[] = [];
  #stopping = false;
  #next = 0;
  #asked = 0;
  /** Serials of the licenses that a client has in its hands. */
  readonly licensed: string[] = [];
  /** Ids of the sites whose end was acknowledged. */
  readonly retired: string[] = [];
  /** How often each answer came: `201`, `503 DATABASE_BUSY`, `no answer`. */
  readonly answers = new Map<string, number>();
  /** What no client may be told, each with its sentence. */
  readonly wrong: string[] = [];
  /** What had no answer in time, each with how often it was told what. */
  readonly unsolved: string[] = [];
  slowestMs = 0;
  /** From the first attempt to the answer, of those that had to ask again. */
  slowestSolvedMs = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopping = false;
    this.#clients = Array.from({ length: this.#options.clients }, () => this.#live());
  }

  /** Nobody begins anything new; what was begun is brought to its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    await Promise.all(this.#aside);
    this.#agent.destroy();
  }

  async #live(): Promise<void> {
    while (!this.#stopping) {
      const { promise: stuck, resolve: isStuck } = Promise.withResolvers<void>();
      const site = this.#liveSite((this.#next += 1), isStuck);
      this.#aside.add(site);
      void site.finally(() => this.#aside.delete(site));
      await Promise.race([site, stuck]);
      while (this.#aside.size >= MOST_ASIDE && !this.#stopping) await pause(50);
    }
  }

  async #liveSite(number: number, isStuck: () => void): Promise<void> {
    const made = await this.#makeSite(`drill-${this.#name}-${number}`, isStuck);
    if (made === undefined) return;
    let { license } = made;
    for (let renewal = 0; renewal < RENEWALS && !this.#stopping; renewal += 1) {
      const renewed = await this.#renew(license, isStuck);
      if (renewed === undefined) return;
      license = renewed;
    }
    if (number % RETIRED_EVERY === 0 && !this.#stopping) await this.#retire(made.site, isStuck);
    if (number % CLOSES_EVERY === 0 && !this.#stopping) await this.#closeEnterprise(number, isStuck);
  }

  async #makeSite(name: string, isStuck: () => void): Promise<{ site: string; license: License } | undefined> {
    const key = makeSiteKey();
    const body = {
      contract: this.#options.contract,
      name,
      mode: 'development',
      csr: encodePem('CERTIFICATE REQUEST', key.csr),
    };
    const answer = await this.#solve(
      {
        method: 'POST',
        path: '/api/v1/sites/create',
        headers: { ...this.#operator(), 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
        body: JSON.stringify(body),
      },
      isStuck,
    );
    if (answer === undefined) return undefined;
    const { site, license } = JSON.parse(answer.body.toString('utf8')) as {
      site: { id: string };
      license: { pem: string };
    };
    const [leaf, ...chain] = decodePem(license.pem, 'CERTIFICATE').map(({ bytes }) => bytes);
    return { site: site.id, license: this.#licensed(leaf!, pemOf(chain), key) };
  }

  async #renew({ leaf, chain, key }: License, isStuck: () => void): Promise<License | undefined> {
    const next = makeSiteKey();
    const answer = await this.#solve(
      {
        method: 'POST',
        path: '/.well-known/est/simplereenroll',
        headers: { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' },
        body: Buffer.from(next.csr).toString('base64'),
        identity: { key: key.pem, cert: leaf + chain },
      },
      isStuck,
    );
    if (answer === undefined) return undefined;
    const [license] = decodeCertsOnly(fromBase64(answer.body.toString('utf8').replaceAll(/\s/g, '')));
    return this.#licensed(license!, chain, next);
  }

  async #retire(site: string, isStuck: () => void): Promise<void> {
    if (await this.#end(`/api/v1/sites/${site}`, isStuck)) this.retired.push(site);
  }

  async #closeEnterprise(number: number, isStuck: () => void): Promise<void> {
    const name = `drill-${this.#name}-${number}`;
    const made = await this.#solve(
      {
        method: 'POST',
        path: '/api/v1/enterprises',
        headers: { ...this.#operator(), 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
        body: JSON.stringify({ slug: name, name }),
      },
      isStuck,
    );
    if (made === undefined) return;
    const { id } = JSON.parse(made.body.toString('utf8')) as { id: string };
    await this.#end(`/api/v1/enterprises/${id}`, isStuck);
  }

  async #end(path: string, isStuck: () => void): Promise<boolean> {
    const read = await this.#solve({ method: 'GET', path, headers: this.#operator() }, isStuck);
    if (read === undefined) return false;
    const { version } = JSON.parse(read.body.toString('utf8')) as { version: number };
    const headers = { ...this.#operator(), 'If-Match': `"${version}"` };
    return (await this.#solve({ method: 'DELETE', path, headers }, isStuck)) !== undefined;
  }

  #licensed(der: Uint8Array, chain: string, key: SiteKey): License {
    const serial = toHex(decodeCertificate(der).serial);
    this.licensed.push(serial);
    return { serial, leaf: pemOf([der]), chain, key };
  }

  #operator(): Readonly<Record<string, string>> {
    return { Authorization: `Bearer ${this.#options.token}` };
  }

  /** The answer to a request, however often it takes; undefined when it is refused for good. */
  async #solve(question: Question, isStuck: () => void): Promise<Answer | undefined> {
    const began = performance.now();
    const told = new Map<string, number>();
    for (let tries = 1; performance.now() - began < SOLVED_WITHIN_MS; tries += 1) {
      const { said, answer, waitMs } = await this.#try(question, tries);
      told.set(said, (told.get(said) ?? 0) + 1);
      if (answer !== undefined && tries > 1) {
        this.slowestSolvedMs = Math.max(this.slowestSolvedMs, performance.now() - began);
      }
      if (waitMs === undefined) return answer;
      if (tries === FIRST_TRIES) isStuck();
      await pause(waitMs);
    }
    this.unsolved.push(`${question.method} ${question.path}: ${JSON.stringify([...told])}`);
    return undefined;
  }

  /** `waitMs`: it may pass. */
  async #try(question: Question, tries: number): Promise<{ said: string; answer?: Answer; waitMs?: number }> {
    const began = performance.now();
    try {
      const answer = await this.#askOne(question);
      const said = answer.status < 300 ? String(answer.status) : `${answer.status} ${codeOf(answer)}`;
      this.#note(began, said);
      if (answer.status < 300) return { said, answer };
      const after = Number(answer.headers['retry-after']);
      if (after > 0) return { said, waitMs: Math.min(after * 1000, LONGEST_PAUSE_MS) };
      // The answer to the first attempt was lost, and it was carried out.
      if (question.method === 'DELETE' && tries > 1 && answer.status !== 503) return { said, answer };
      this.wrong.push(`${question.method} ${question.path}: ${answer.status} ${answer.body.toString('utf8')}`);
      return { said };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const said = 'no answer';
      this.#note(began, said);
      return { said, waitMs: Math.min(100 * 2 ** tries, 2 * LONGEST_PAUSE_MS) };
    }
  }

  #note(began: number, answer: string): void {
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }

  async #askOne(question: Question): Promise<Answer> {
    const { ports, ca } = this.#options;
    const agent = this.#agent;
    // Each begins with another, as behind a name with several addresses.
    const first = (this.#asked += 1) % ports.length;
    for (let tried = 0; ; tried += 1) {
      try {
        return await ask({ port: ports[(first + tried) % ports.length]!, agent, ca }, question);
      } catch (error) {
        if (!(error instanceof NoAnswer) || error.wasSent || tried === ports.length - 1) throw error;
      }
    }
  }
}

const pemOf = (chain: readonly Uint8Array[]): string => chain.map((der) => encodePem('CERTIFICATE', der)).join('');
