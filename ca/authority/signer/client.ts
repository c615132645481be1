import type { Socket } from 'node:net';
import { AuthorityError } from '../errors.ts';
import type { ByteReader, ByteWriter } from '../journal/binary.ts';
import type { JournalEntry, KeyDescription, KeyRole, RevocationRecord, Signer, SignRequest } from '../ports/signer.ts';
import { connectTo } from './socket.ts';
import {
  FrameSplitter,
  frame,
  OPERATIONS,
  OUTCOME,
  readDescription,
  readEntry,
  readError,
  readList,
  writeList,
  writeRequest,
  writeRequestHead,
  writeRevocation,
  writeRole,
  type Operation,
  type ReceivedFrame,
} from './wire.ts';

export type SignerClientOptions = {
  readonly path: string;
  /** After which a call is given up with SIGNER_UNAVAILABLE, whatever the signer does. */
  readonly timeoutMs?: number;
  /** Calls under way, above which the next is refused at once. */
  readonly queueLimit?: number;
};

const TIMEOUT_MS = 1700; // F5: the HTTP answer is out within 2 s, whatever else it waits for.
/** What a call still gets when the signer has been silent for longer than that: a queue behind it must not add up. */
const LEAST_TIMEOUT_MS = 50;
/** Making an RSA or ML-DSA key takes seconds on a busy machine. */
const KEY_TIMEOUT_MS = 30_000;
const QUEUE_LIMIT = 8192;
const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 1000;

/** A CRL follows its frame as it lies: of a million entries a copy would be 50 MB. */
const LARGE = 1024 * 1024;
/** What a signer that reads, hashes and shares its machine manages at least. */
const BYTES_PER_MS = 10_000;

type CallOptions = {
  readonly timeoutMs?: number;
  /** How large the frame becomes, where that is known. */
  readonly capacity?: number;
  /** The end of the body. */
  readonly following?: Uint8Array;
};

type Call = {
  readonly bytes: readonly Uint8Array[];
  readonly resolve: (body: ByteReader) => void;
  readonly reject: (error: AuthorityError) => void;
  readonly timer: NodeJS.Timeout;
};

/**
 * The signer, seen from the server: the same port, over a socket. Calls made while the link is down wait for it as long
 * as they would have waited for an answer; calls that were under way when it broke fail at once, because only the
 * journal can tell what became of them.
 */
export class SignerClient implements Signer {
  readonly #options: SignerClientOptions;
  readonly #calls = new Map<number, Call>();
  #unsent: number[] = [];
  readonly #linked: (() => void)[] = [];
  #socket: Socket | undefined;
  #connected = false;
  #closed = false;
  #nextCall = 1;
  #retryMs = FIRST_RETRY_MS;
  /** Why there is no link, in the words of the system. */
  #lastTrouble: string | undefined;
  /** When the oldest call was made since which nothing has been heard; undefined: nothing is waited for. */
  #silentSince: number | undefined;

  constructor(options: SignerClientOptions) {
    this.#options = options;
    this.#connect();
  }

  /** Told of every new link: behind it may be another process, with another journal. */
  onLink(listener: () => void): void {
    this.#linked.push(listener);
  }

  async ping(): Promise<void> {
    await this.#call('ping');
  }

  async keys(): Promise<readonly KeyDescription[]> {
    return readList(await this.#call('keys'), readDescription);
  }

  async createKey(role: KeyRole): Promise<KeyDescription> {
    return readDescription(await this.#callForKey('createKey', (to) => writeRole(to, role)));
  }

  async bindCertificate(key: string, certificate: Uint8Array, issuer?: Uint8Array): Promise<void> {
    await this.#call('bindCertificate', (to) =>
      to
        .text(key)
        .bytes(certificate)
        .optional(issuer, (writer, der) => writer.bytes(der)),
    );
  }

  async rotateKey(id: string): Promise<KeyDescription> {
    return readDescription(await this.#callForKey('rotateKey', (to) => to.text(id)));
  }

  async retireKey(id: string): Promise<void> {
    await this.#call('retireKey', (to) => to.text(id));
  }

  async sign(requests: readonly SignRequest[]): Promise<readonly Uint8Array[]> {
    const [first] = requests;
    const isLarge = requests.length === 1 && first!.bytes.length >= LARGE;
    const body = await (isLarge ? this.#signLarge(first!) : this.#signAll(requests));
    return readList(body, (from) => from.bytes());
  }

  #signAll(requests: readonly SignRequest[]): Promise<ByteReader> {
    let capacity = 64;
    for (const { key, bytes } of requests) capacity += bytes.length + key.length * 3 + 16;
    return this.#call('sign', (to) => writeList(to, requests, writeRequest), { capacity });
  }

  #signLarge(request: SignRequest): Promise<ByteReader> {
    const { bytes: following } = request;
    const timeoutMs = this.#patience() + following.length / BYTES_PER_MS;
    return this.#call('sign', (to) => writeList(to, [request], writeRequestHead), { following, timeoutMs });
  }

  async recordRevocations(records: readonly RevocationRecord[]): Promise<void> {
    await this.#call('recordRevocations', (to) => writeList(to, records, writeRevocation));
  }

  async journalHead(): Promise<{ readonly sequence: bigint; readonly hash: Uint8Array }> {
    const body = await this.#call('journalHead');
    return { sequence: body.u64(), hash: body.bytes() };
  }

  async journalAfter(sequence: bigint, limit: number): Promise<readonly JournalEntry[]> {
    return readList(await this.#call('journalAfter', (to) => to.u64(sequence).u32(limit)), readEntry);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#failAll([...this.#calls.keys()], 'The signer client was closed.');
    this.#socket?.destroy();
  }

  /** Long patience is for a signer that is there: one that hangs is found out as quickly as by any other call. */
  async #callForKey(operation: 'createKey' | 'rotateKey', write: (to: ByteWriter) => void): Promise<ByteReader> {
    await this.ping();
    return this.#call(operation, write, { timeoutMs: KEY_TIMEOUT_MS });
  }

  async #call(
    operation: Operation,
    write?: (to: ByteWriter) => void,
    { timeoutMs = this.#patience(), capacity, following }: CallOptions = {},
  ): Promise<ByteReader> {
    if (this.#closed) throw unavailable('The signer client was closed.');
    if (this.#calls.size >= (this.#options.queueLimit ?? QUEUE_LIMIT)) {
      throw unavailable('Too many calls already wait for the signer; ask again later.');
    }
    const call = this.#nextCall;
    this.#nextCall = call === 0xff_ff_ff_ff ? 1 : call + 1;
    const head = frame(call, OPERATIONS[operation], write, capacity, following?.length);
    const bytes = following === undefined ? [head] : [head, following];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#failAll([call], this.#silence()), timeoutMs);
      this.#calls.set(call, { bytes, resolve, reject, timer });
      if (this.#connected) this.#send(bytes);
      else this.#unsent.push(call);
    });
  }

  /** Those who come while the signer is silent wait as long as the first of them, together. */
  #patience(): number {
    const patience = this.#options.timeoutMs ?? TIMEOUT_MS;
    const now = performance.now();
    this.#silentSince ??= now;
    return Math.max(patience - (now - this.#silentSince), Math.min(LEAST_TIMEOUT_MS, patience));
  }

  #connect(): void {
    if (this.#closed) return;
    const splitter = new FrameSplitter();
    const socket = connectTo(this.#options.path);
    this.#socket = socket;
    socket.on('connect', () => {
      this.#connected = true;
      this.#lastTrouble = undefined;
      this.#retryMs = FIRST_RETRY_MS;
      this.#heard();
      const waiting = this.#unsent.splice(0);
      for (const call of waiting) this.#send(this.#calls.get(call)?.bytes);
      for (const listener of this.#linked) listener();
    });
    socket.on('data', (chunk) => {
      try {
        for (const received of splitter.push(chunk)) this.#settle(received);
      } catch {
        // Not our signer, or another version of it: every call that waits is told when the link closes.
        socket.destroy();
      }
    });
    // 'close' always follows, and tells those who wait.
    socket.on('error', (error) => {
      this.#lastTrouble = error.message;
      socket.destroy();
    });
    socket.on('close', () => this.#reconnect());
  }

  #reconnect(): void {
    this.#connected = false;
    const unsent = new Set(this.#unsent);
    this.#failAll(
      [...this.#calls.keys()].filter((call) => !unsent.has(call)),
      'The signer went away; what became of the call stands in its journal.',
    );
    if (this.#closed) return;
    setTimeout(() => this.#connect(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #send(bytes: readonly Uint8Array[] | undefined): void {
    const socket = this.#socket;
    if (bytes === undefined || socket === undefined) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    for (const piece of bytes) socket.write(piece);
  }

  /** Also what comes too late shows that it is there. */
  #heard(): void {
    this.#silentSince = this.#calls.size === 0 ? undefined : performance.now();
  }

  #settle({ call, code, body }: ReceivedFrame): void {
    const waiting = this.#calls.get(call);
    // An answer to a call that was given up: nobody waits for it any more.
    if (waiting === undefined) return this.#heard();
    this.#calls.delete(call);
    clearTimeout(waiting.timer);
    this.#heard();
    if (code === OUTCOME.done) waiting.resolve(body);
    else waiting.reject(readError(body));
  }

  #silence(): string {
    return this.#lastTrouble === undefined ? SLOW : `The signer cannot be reached: ${this.#lastTrouble}.`;
  }

  #failAll(calls: readonly number[], reason: string): void {
    for (const call of calls) {
      const waiting = this.#calls.get(call);
      this.#calls.delete(call);
      clearTimeout(waiting?.timer);
      waiting?.reject(unavailable(reason));
    }
  }
}

const SLOW = 'The signer did not answer in time; what became of the call stands in its journal.';

function unavailable(reason: string): AuthorityError {
  return new AuthorityError('SIGNER_UNAVAILABLE', reason);
}
