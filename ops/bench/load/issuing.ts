import { decodePem, encodePem } from '@licet/format';
import { makeSiteKey, type SiteKey } from '../house/site-key.ts';
import type { Row } from '../row.ts';
import type { Over, Report } from './load.ts';
import { reenrolRequest, refreshed, refreshRequest, textOf } from './requests.ts';
import type { Cpu, Shop } from './shop.ts';

export type Measured = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds for each license, of each process that takes part. */
  readonly cpu: Readonly<Record<keyof Cpu | 'load', number>>;
};

/** Sites with the licenses and keys that they have at the moment. */
export class Fleet {
  readonly #shop: Shop;
  #licenses: readonly string[];
  /** Of the last sites, in the order of their licenses: those that have renewed theirs since. */
  #keys: readonly SiteKey[] = [];

  constructor(shop: Shop, licenses: readonly string[]) {
    this.#shop = shop;
    this.#licenses = licenses;
  }

  get size(): number {
    return this.#licenses.length;
  }

  /** So many sites, or every one, renew their licenses by the API. Keys, requests and connections are there before. */
  async renewByApi(clients: number, count = this.size): Promise<Measured> {
    const { house, load } = this.#shop;
    const licenses = this.#licenses.slice(-count);
    const keys = licenses.map(() => makeSiteKey());
    const requests = keys.map((key, i) => refreshRequest(house.token, licenses[i]!, key));
    await load.open(Array.from({ length: clients }, () => ({})));
    const { report, measured } = await send(this.#shop, requests, clients, 'any');
    this.#licenses = [...this.#licenses.slice(0, -count), ...report.answers.map(refreshed)];
    this.#keys = keys;
    return measured;
  }

  /**
   * So many sites renew theirs by EST, each over a TLS connection on which it has shown its license, without the CAs above
   * it, as EST gives it (RFC 7030 §4.2.3): a license is renewed once, so no connection has a second renewal. These sites are
   * gone from the fleet then.
   */
  async renewByEst(clients: number, count: number): Promise<Measured> {
    const { load } = this.#shop;
    const licenses = this.#licenses.slice(-count);
    const identities = this.#keys.slice(-count).map(({ pem }, i) => ({ key: pem, cert: firstOf(licenses[i]!) }));
    const requests = identities.map(() => reenrolRequest(makeSiteKey()));
    await load.open(identities);
    const { report, measured } = await send(this.#shop, requests, clients, 'its own');
    report.answers.forEach(textOf);
    this.#licenses = this.#licenses.slice(0, -count);
    this.#keys = this.#keys.slice(0, -count);
    return measured;
  }
}

const firstOf = (chain: string): string => encodePem('CERTIFICATE', decodePem(chain, 'CERTIFICATE')[0]!.bytes);

export async function send(
  shop: Shop,
  requests: readonly Uint8Array[],
  clients: number,
  over: Over,
): Promise<{ report: Report; measured: Measured }> {
  const before = shop.cpu();
  const report = await shop.load.send(requests, clients, over);
  const after = shop.cpu();
  const { answers, seconds, cpuSeconds } = report;
  const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const each = (cpuTime: number): number => (cpuTime * 1000) / answers.length;
  return {
    report,
    measured: {
      perSecond: answers.length / seconds,
      p50: times[Math.floor(times.length / 2)]!,
      p99: times[Math.floor(times.length * 0.99)]!,
      cpu: {
        server: each(after.server - before.server),
        signer: each(after.signer - before.signer),
        PostgreSQL: each(after.PostgreSQL - before.PostgreSQL),
        load: each(cpuSeconds),
      },
    },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** The median of the rounds, and from the lowest to the highest. */
export function rowOf(
  id: string,
  what: string,
  values: readonly number[],
  bar: { readonly text: string; readonly holds: (value: number) => boolean },
  shown: (value: number) => string,
): Row {
  const spread = `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`;
  return { id, what, bar: bar.text, figure: shown(median(values)), spread, pass: bar.holds(median(values)) };
}

/** What a license takes of two processors, and so what the machine could do if nothing else ran on it. */
export function costOf(id: string, what: string, rounds: readonly Measured[]): Row {
  const names = ['server', 'signer', 'PostgreSQL', 'load'] as const;
  const each = names.map((name) => median(rounds.map(({ cpu }) => cpu[name])));
  const all = each.reduce((sum, ms) => sum + ms, 0);
  const parts = names.map((name, i) => `${name} ${each[i]!.toFixed(2)}`).join(', ');
  return { id, what, bar: '', figure: `${all.toFixed(2)} ms: ${parts}`, pass: true };
}
