import { equalBytes, toHex } from '@licet/format';
import type { CertificateStore, Commitment, Intent, Issued, Reservation } from '../ports/certificate-store.ts';

type Row = { readonly intent: Intent; certificate?: Uint8Array; closed?: string };

export type StoreCall = 'reserve' | 'commit' | 'close' | 'findByRequest' | 'intentsWithoutCertificate';

/**
 * Keeps its promises in memory: for tests, for the ceremony, and as the shortest description of what the port means.
 * On command the next call of a kind fails, before it has written anything or after it has written everything: the two
 * ways in which a database fails.
 */
export class MemoryCertificateStore implements CertificateStore {
  readonly #rows = new Map<string, Row>();
  readonly #open = new Map<string, Row>();
  readonly #byRequest = new Map<string, Row>();
  readonly #owners = new Map<string, string>();
  readonly #blocked = new Set<string>();
  readonly #failures: { call: StoreCall; when: 'before' | 'after' }[] = [];

  failNext(call: StoreCall, when: 'before' | 'after'): void {
    this.#failures.push({ call, when });
  }

  blockKey(publicKeyHash: Uint8Array): void {
    this.#blocked.add(toHex(publicKeyHash));
  }

  get intents(): readonly Intent[] {
    return [...this.#rows.values()].map(({ intent }) => intent);
  }

  get certificates(): readonly Uint8Array[] {
    return [...this.#rows.values()].flatMap(({ certificate }) => certificate ?? []);
  }

  reserve(intents: readonly Intent[]): Promise<readonly Reservation[]> {
    return this.#call('reserve', () => intents.map((intent) => this.#reserve(intent)));
  }

  commit(issued: readonly Issued[]): Promise<readonly Commitment[]> {
    return this.#call('commit', () => issued.map((item) => this.#commit(item)));
  }

  close(intents: readonly Intent[], reason: string): Promise<void> {
    return this.#call('close', () => {
      for (const intent of intents) {
        const row = this.#row(intent);
        if (row.certificate !== undefined) continue;
        row.closed = reason;
        this.#open.delete(toHex(intent.serial));
      }
    });
  }

  findByRequest(request: Uint8Array, at: Date): Promise<Uint8Array | undefined> {
    return this.#call('findByRequest', () => {
      const row = this.#byRequest.get(toHex(request));
      return row !== undefined && row.intent.notAfter >= at ? row.certificate : undefined;
    });
  }

  intentsWithoutCertificate(before: Date, limit: number): Promise<readonly Intent[]> {
    return this.#call('intentsWithoutCertificate', () => {
      const open = [...this.#open.values()].map(({ intent }) => intent).filter(({ at }) => at < before);
      return open.sort((a, b) => a.at.getTime() - b.at.getTime()).slice(0, limit);
    });
  }

  #reserve(intent: Intent): Reservation {
    const serial = toHex(intent.serial);
    const taken = this.#rows.get(serial);
    if (taken !== undefined) {
      const same = equalBytes(taken.intent.tbs, intent.tbs) && this.#open.has(serial);
      return { outcome: same ? 'reserved' : 'serial-taken' };
    }
    const earlier = this.#byRequest.get(toHex(intent.request));
    if (earlier?.certificate !== undefined && earlier.intent.notAfter >= intent.at) {
      return { outcome: 'issued', certificate: earlier.certificate };
    }
    if (earlier !== undefined && this.#open.has(toHex(earlier.intent.serial))) {
      return { outcome: 'pending', intent: earlier.intent };
    }
    const key = toHex(intent.publicKey);
    if (this.#blocked.has(key)) return { outcome: 'key-blocked' };
    if ((this.#owners.get(key) ?? intent.keyOwner) !== intent.keyOwner) return { outcome: 'key-reused' };
    const row: Row = { intent };
    this.#rows.set(serial, row);
    this.#open.set(serial, row);
    this.#byRequest.set(toHex(intent.request), row);
    this.#owners.set(key, intent.keyOwner);
    return { outcome: 'reserved' };
  }

  #commit({ intent, certificate }: Issued): Commitment {
    const row = this.#row(intent);
    if (row.certificate !== undefined) {
      return { outcome: equalBytes(row.certificate, certificate) ? 'already-committed' : 'closed' };
    }
    if (row.closed !== undefined) return { outcome: 'closed' };
    row.certificate = certificate;
    this.#open.delete(toHex(intent.serial));
    return { outcome: 'committed' };
  }

  #row({ serial }: Intent): Row {
    const row = this.#rows.get(toHex(serial));
    if (row === undefined) throw new Error(`Serial ${toHex(serial)} was never reserved`);
    return row;
  }

  async #call<T>(call: StoreCall, work: () => T): Promise<T> {
    // As a database would, so that callers cannot rely on anything being done by the time a call returns.
    await Promise.resolve();
    const index = this.#failures.findIndex((failure) => failure.call === call);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure?.when === 'before') throw new Error(`The store was told to fail before ${call}`);
    const result = work();
    if (failure?.when === 'after') throw new Error(`The store was told to fail after ${call}`);
    return result;
  }
}
