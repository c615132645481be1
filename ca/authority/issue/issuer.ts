import { hash } from 'node:crypto';
import { type Bytes, decodeCertificate, equalBytes, toHex } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Intent, Reservation } from '../ports/certificate-store.ts';
import type { Random } from '../ports/random.ts';
import { type CrashHook, noCrash } from './crash-points.ts';
import { isOlder } from './older.ts';
import { type IssueRequest, prepare } from './prepare.ts';
import { prove } from './prove.ts';
import { type Recovery, settle } from './recover.ts';
import { createStages, type StageOptions, type Stages } from './stages.ts';
import type { Ticket } from './ticket.ts';

export type IssuerOptions = Recovery & StageOptions & { readonly random: Random; readonly crashPoint?: CrashHook };

export type Certified = {
  readonly certificate: Bytes;
  /** `false`: the same request was answered before, and this is that answer. */
  readonly fresh: boolean;
};

export interface Issuer {
  /**
   * prepare → record → sign → prove → commit → answer. Rejects with an AuthorityError, or with what the store rejects
   * with; after any failure the same request may be made again, and gets the certificate if there is one.
   */
  issue(request: IssueRequest): Promise<Certified>;
  /** Throws what `issue` would refuse by the request alone. Writes nothing and signs nothing. */
  check(request: IssueRequest): void;
}

/** A process that is alive finishes in a fraction of this; what is older belongs to nobody any more. */
const ABANDONED_AFTER_MS = 30_000;

/** Those who do not come back with their request are left to `recover`. */
const FAILED_MOST = 10_000;

export function createIssuer(options: IssuerOptions): Issuer {
  return new BatchingIssuer(options);
}

class BatchingIssuer implements Issuer {
  readonly #options: IssuerOptions;
  readonly #stages: Stages;
  readonly #crashPoint: CrashHook;
  /** Requests under way here, by hash and principal: fifty copies of one request are one request. */
  readonly #underWay = new Map<string, Promise<Certified>>();
  /** Serials that failed here after they were recorded: ours to settle, without waiting for another process. */
  readonly #failed = new Set<string>();

  /** When the signer was given the newest certificate of a CA again. */
  readonly #givenAgain = new Map<string, number>();

  constructor(options: IssuerOptions) {
    this.#options = options;
    this.#stages = createStages(options);
    this.#crashPoint = options.crashPoint ?? noCrash;
  }

  issue(request: IssueRequest): Promise<Certified> {
    if (!('csr' in request.key)) return this.#issue(request);
    const id = `${hash('sha256', request.key.csr, 'hex')} ${request.principal}`;
    let running = this.#underWay.get(id);
    if (running === undefined) {
      running = this.#issue(request).finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, running);
    }
    return running;
  }

  check(request: IssueRequest): void {
    this.#prepare(request);
  }

  #prepare(request: IssueRequest): Ticket {
    const { clock, random } = this.#options;
    return prepare(request, { now: clock.now(), random });
  }

  async #issue(request: IssueRequest): Promise<Certified> {
    const ticket = this.#prepare(request);
    this.#crashPoint('issue.prepared');
    const reservation = await this.#stages.record(ticket.intent);
    if (reservation.outcome !== 'pending') return this.#conclude(ticket, reservation);
    await this.#settleEarlier(reservation.intent);
    return this.#conclude(ticket, await this.#stages.record(ticket.intent));
  }

  async #conclude(ticket: Ticket, reservation: Reservation): Promise<Certified> {
    if (reservation.outcome === 'issued') return { certificate: reservation.certificate, fresh: false };
    if (reservation.outcome !== 'reserved') throw refusal(reservation.outcome);
    this.#crashPoint('issue.recorded');
    try {
      return { certificate: await this.#finish(ticket), fresh: true };
    } catch (error) {
      this.#remember(ticket.intent);
      throw error;
    }
  }

  #remember({ serial }: Intent): void {
    if (this.#failed.size >= FAILED_MOST) this.#failed.delete(this.#failed.values().next().value!);
    this.#failed.add(toHex(serial));
  }

  async #finish(ticket: Ticket): Promise<Bytes> {
    const { intent, issuer, preview } = ticket;
    const signature = await this.#sign(ticket);
    this.#crashPoint('issue.signed');
    const certificate = prove(intent.tbs, signature, issuer, intent.at, preview);
    this.#crashPoint('issue.proven');
    const { outcome } = await this.#stages.commit({ intent, certificate, at: this.#options.clock.now() });
    if (outcome === 'closed') throw refusal('pending');
    this.#crashPoint('issue.committed');
    return certificate;
  }

  async #sign(ticket: Ticket): Promise<Bytes> {
    try {
      return await this.#stages.sign(ticket);
    } catch (error) {
      if (!(error instanceof AuthorityError) || error.code !== 'SIGNER_REFUSED') throw error;
      if (!(await this.#isChanged(ticket))) throw error;
      const message = 'The CA was certified anew while this was prepared; ask again in a moment.';
      throw new AuthorityError('ISSUER_CHANGED', message, { cause: error });
    }
  }

  /**
   * Asked of the signer, which holds a key to what its newest certificate says before another process knows of that.
   * Where the older one is the signer's, because a copy of its keys was put back, it is given the newest again.
   */
  async #isChanged({ issuer: { key, chain }, intent }: Ticket): Promise<boolean> {
    const { signer, clock } = this.#options;
    const [own, above] = chain;
    const held = (await signer.keys()).find(({ id }) => id === key)?.certificate;
    if (held === undefined || own === undefined) return false;
    // Another request that was refused as this one was has seen to it meanwhile.
    if (equalBytes(held, own.der)) return (this.#givenAgain.get(key) ?? -Infinity) >= intent.at.getTime();
    if (isOlder(decodeCertificate(held), own)) {
      await signer.bindCertificate(key, own.der, above?.der);
      this.#givenAgain.set(key, clock.now().getTime());
    }
    return true;
  }

  /** The same request was recorded before and is not finished: completes what was signed and gives up what was not. */
  async #settleEarlier(earlier: Intent): Promise<void> {
    const serial = toHex(earlier.serial);
    const age = this.#options.clock.now().getTime() - earlier.at.getTime();
    if (!this.#failed.has(serial) && age < ABANDONED_AFTER_MS) throw refusal('pending');
    const { left } = await settle(this.#options, [earlier]);
    if (left[0] !== undefined) throw left[0].reason;
    this.#failed.delete(serial);
  }
}

const REFUSALS = {
  pending: ['REQUEST_PENDING', 'The same request is under way; ask again in a moment.'],
  'serial-taken': ['SERIAL_TAKEN', 'A random serial was drawn twice; replace the source of randomness.'],
  'key-blocked': ['KEY_BLOCKED', 'The private key of this public key is known to others; make a new key.'],
  'key-reused': ['KEY_REUSED', 'This public key belongs to another license; make a new key.'],
  'renewal-taken': ['RENEWAL_UNDER_WAY', 'This license is being renewed or changed; ask again in a moment.'],
  'first-taken': ['ENROLMENT_UNDER_WAY', 'Another request enrols the same site; ask again in a moment.'],
} as const;

/** What a reservation that was not given means for who asks. */
export function refusal(outcome: keyof typeof REFUSALS): AuthorityError {
  const [code, message] = REFUSALS[outcome];
  return new AuthorityError(code, message);
}
