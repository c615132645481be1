import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type CertId,
  decodeOcspRequest,
  encodeOcspError,
  encodeOcspResponse,
  encodeTbsOcspResponse,
  FormatError,
  type OcspRequest,
  type OcspStatus,
} from '@licet/format';
import { type Batcher, createBatcher } from '../../issue/batcher.ts';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import { withKey } from '../../keys/with-key.ts';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CertificateId, KnownCertificate, RevocationStore } from '../../ports/revocation-store.ts';
import type { Signer } from '../../ports/signer.ts';
import type { OcspAnswer } from './answer.ts';
import { AnswerCache } from './cache.ts';
import { ChangeWatch } from './change-watch.ts';
import { type Identities, type Identity, identitiesOf, identityFor, lacksResponder } from './identities.ts';
import { statusOf } from './status.ts';

export type OcspSettings = {
  /** From thisUpdate to nextUpdate: how long answers that are in the world bridge our absence. */
  readonly validSeconds: number;
  /** How often responders and authorities are looked up anew. */
  readonly refreshSeconds: number;
  /** How long a cached answer is given without asking whether anything was revoked elsewhere. */
  readonly trustMs: number;
};

export const OCSP_SETTINGS: OcspSettings = { validSeconds: 3600, refreshSeconds: 60, trustMs: 400 };

export type OcspDeps = {
  readonly signer: Signer;
  readonly store: Pick<RevocationStore, 'find' | 'lastChange' | 'changedSince'>;
  readonly clock: Clock;
  /** Those whose certificates are answered for: the same list, as an object, until there is another. */
  readonly generations: () => Promise<readonly IssuerGeneration[]>;
  /** Sees to it, before they are read, that those who are new are among them and have a responder. */
  readonly welcome?: () => Promise<void>;
  /** Told of what was answered with tryLater or internalError, and of what else failed. */
  readonly report: (error: unknown) => void;
  readonly settings?: OcspSettings;
};

export interface OcspResponder {
  /**
   * Never rejects: what goes wrong is an answer too. `asked` names the question; the same name is the same question.
   * What is at hand is answered at once and without a promise.
   */
  answer(asked: string, request: () => Uint8Array): OcspAnswer | Promise<OcspAnswer>;
  /** These were changed here: their answers are made anew, now. */
  forget(ids: readonly CertificateId[]): void;
  /** Reads again who answers for whom: after a renewal, or when an authority was added. */
  refresh(): Promise<void>;
}

/** RFC 6960 allows many; one answer costs a look-up, so a question must not cost thousands. */
const MOST_QUESTIONS = 100;
/** Somebody may ask for issuers that are none of ours as often as he likes: newcomers are looked for this often. */
const NEWCOMERS_EVERY_MS = 250;
const BATCH = 64;
const FIND_BATCH = 256;
const QUEUE = 4096;

type Question = {
  readonly identity: Identity;
  readonly requests: readonly CertId[];
  readonly ids: readonly CertificateId[];
  readonly nonce: Uint8Array | undefined;
};

/** `mark` is from before the look-up; undefined: the answer must not be kept. */
type Made = { readonly answer: OcspAnswer; readonly mark: number | undefined };

export function createOcspResponder(deps: OcspDeps): OcspResponder {
  return new CachingResponder(deps);
}

class CachingResponder implements OcspResponder {
  readonly #deps: OcspDeps;
  readonly #settings: OcspSettings;
  readonly #cache = new AnswerCache();
  readonly #watch: ChangeWatch;
  /** One look-up and one call of the signer for all that wait: each costs more on its way than in its work. */
  readonly #make: Batcher<Question, Made>;
  #identities: Identities = new Map();
  #loadedFrom: readonly IssuerGeneration[] | undefined;
  #certifying: readonly IssuerGeneration[] = [];
  #loadedAt = -Infinity;
  #loading: Promise<void> | undefined;
  #seeking: Promise<void> | undefined;
  #soughtAt = -Infinity;

  constructor(deps: OcspDeps) {
    this.#deps = deps;
    this.#settings = deps.settings ?? OCSP_SETTINGS;
    this.#watch = new ChangeWatch(deps, this.#cache, this.#settings.trustMs);
    this.#make = createBatcher({
      name: 'OCSP answers',
      work: async (questions: readonly Question[]) => (await this.#makeAll(questions)).map((value) => ({ value })),
      batch: BATCH,
      queue: QUEUE,
      lanes: 2,
    });
  }

  answer(asked: string, request: () => Uint8Array): OcspAnswer | Promise<OcspAnswer> {
    const now = this.#deps.clock.now().getTime();
    if (this.#watch.isFresh(now)) {
      const cached = this.#cache.get(asked);
      if (cached !== undefined && holds(cached.answer, now, cached.reuseUntil)) return cached.answer;
    }
    return this.#answer(asked, request);
  }

  forget(ids: readonly CertificateId[]): void {
    this.#watch.changedHere();
    this.#cache.forget(ids);
  }

  async refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    await this.#loading;
  }

  async #answer(asked: string, request: () => Uint8Array): Promise<OcspAnswer> {
    await this.#watch.catchUp();
    const now = this.#deps.clock.now().getTime();
    const cached = this.#cache.get(asked);
    if (cached !== undefined && holds(cached.answer, now, cached.reuseUntil)) return cached.answer;
    try {
      return await this.#fresh(asked, decodeOcspRequest(request()));
    } catch (error) {
      if (error instanceof FormatError) return errorAnswer('malformedRequest');
      // What was signed before is true until its nextUpdate, whoever is away now.
      const old = cached?.answer;
      if (old?.shared !== undefined && holds(old, now, old.shared.nextUpdate.getTime())) return old;
      this.#deps.report(error);
      return errorAnswer('tryLater');
    }
  }

  async #fresh(asked: string, { requests, nonce }: OcspRequest): Promise<OcspAnswer> {
    if (requests.length > MOST_QUESTIONS) return errorAnswer('malformedRequest');
    const identity = await this.#identityFor(requests);
    // RFC 6960 §2.3, RFC 9919 §2.2.3: we are not the one to ask, or one signature would not cover all.
    if (identity === undefined) return errorAnswer('unauthorized');
    const ids = requests.map(({ serial }) => ({ issuer: identity.issuer, serial }));
    const { answer, mark } = await this.#make.submit({ identity, requests, ids, nonce });
    if (answer.shared === undefined || mark === undefined || this.#watch.hasMoved(mark)) return answer;
    const { thisUpdate, nextUpdate } = answer.shared;
    this.#cache.set(asked, answer, (thisUpdate.getTime() + nextUpdate.getTime()) / 2, ids);
    return answer;
  }

  async #makeAll(questions: readonly Question[]): Promise<Made[]> {
    const mark = this.#watch.mark();
    const known = await this.#findAll(questions.flatMap(({ ids }) => ids));
    const now = this.#deps.clock.now().getTime();
    let next = 0;
    const drafts = questions.map((question) => {
      const own = known.slice(next, (next += question.ids.length));
      // What was never issued may be issued in the next moment, elsewhere.
      return { ...draft(question, own, now, this.#settings), mark: own.includes(undefined) ? undefined : mark };
    });
    const signatures = await this.#deps.signer.sign(
      drafts.map(({ identity, tbs }) => ({ key: identity.key.id, kind: 'ocsp', bytes: tbs })),
    );
    return drafts.map((made, i) => ({ answer: signed(made, signatures[i]!), mark: made.mark }));
  }

  async #findAll(ids: readonly CertificateId[]): Promise<(KnownCertificate | undefined)[]> {
    const known: (KnownCertificate | undefined)[] = [];
    for (let at = 0; at < ids.length; at += FIND_BATCH) {
      known.push(...(await this.#deps.store.find(ids.slice(at, at + FIND_BATCH))));
    }
    return known;
  }

  async #identityFor(requests: readonly CertId[]): Promise<Identity | undefined> {
    await this.#refreshWhenDue();
    const now = this.#deps.clock.now();
    let found = this.#identitiesOf(requests);
    // Also one that ended: after a week's sleep of the machine the first question comes before the job that renews it.
    // Or that has not begun: it is from a clock that was ahead.
    const isMissing = (identity: Identity | undefined) =>
      identity === undefined || identity.certificate.notAfter < now || identity.certificate.notBefore > now;
    // A search that is under way may have begun before the issuer was there; the next one has not.
    for (let search = 0; search < 2 && found.some(isMissing); search += 1) {
      await this.#seekNewcomers();
      found = this.#identitiesOf(requests);
    }
    const [first, ...others] = found;
    if (first === undefined || others.some((other) => other?.issuer !== first.issuer)) return undefined;
    if (!isMissing(first)) return first;
    throw new Error(`The OCSP responder of key ${first.issuer} is not valid now and was not renewed.`);
  }

  #identitiesOf(requests: readonly CertId[]): (Identity | undefined)[] {
    return requests.map((certId) => identityFor(this.#identities, certId));
  }

  /** An authority is asked for as soon as its first certificate is out, and may be younger than what we have read. */
  async #seekNewcomers(): Promise<void> {
    this.#seeking ??= this.#search().finally(() => (this.#seeking = undefined));
    await this.#seeking;
  }

  async #search(): Promise<void> {
    const soonest = this.#soughtAt + NEWCOMERS_EVERY_MS;
    if (performance.now() < soonest) await pause(soonest - performance.now());
    this.#soughtAt = performance.now();
    // To read every key takes long where there are many, and whoever asks for an issuer that is none of ours finds none.
    const present = await this.#deps.generations();
    const isKnown = present === this.#loadedFrom;
    if (!isKnown || lacksResponder(this.#certifying, this.#identities, this.#deps.clock.now())) await this.refresh();
  }

  /** The first time is waited for; later ones happen beside the answers. */
  async #refreshWhenDue(): Promise<void> {
    const now = this.#deps.clock.now().getTime();
    if (Math.abs(now - this.#loadedAt) < this.#settings.refreshSeconds * 1000) return;
    if (this.#loadedAt === -Infinity) {
      await this.refresh();
      return;
    }
    this.#loadedAt = now;
    this.refresh().catch(this.#deps.report);
  }

  async #load(): Promise<void> {
    const { signer, generations, welcome, clock, report } = this.#deps;
    // Should that fail, those who have a responder are answered for all the same.
    await welcome?.().catch(report);
    const now = clock.now();
    const present = await generations();
    const keys = await signer.keys();
    this.#identities = identitiesOf(keys, present, now);
    this.#certifying = withKey(present, keys);
    this.#loadedFrom = present;
    this.#loadedAt = now.getTime();
  }
}

/** What was made while the clock was ahead is no answer once it is right. */
const holds = ({ shared }: OcspAnswer, now: number, until: number): boolean =>
  shared !== undefined && shared.thisUpdate.getTime() <= now && now < until;

type Draft = {
  readonly identity: Identity;
  readonly nonce: Uint8Array | undefined;
  readonly tbs: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
};

function draft(
  { identity, requests, nonce }: Question,
  known: readonly (KnownCertificate | undefined)[],
  now: number,
  { validSeconds }: OcspSettings,
): Draft {
  const thisUpdate = new Date(now - (now % 1000));
  const until = thisUpdate.getTime() + validSeconds * 1000;
  const nextUpdate = new Date(Math.min(until, identity.certificate.notAfter.getTime()));
  const responses = requests.map((certId, i) => ({ certId, status: statusOf(known[i]), thisUpdate, nextUpdate }));
  const responder = { byKey: identity.keyHash };
  const tbs = encodeTbsOcspResponse({ responder, producedAt: thisUpdate, responses, nonce });
  return { identity, nonce, tbs, thisUpdate, nextUpdate };
}

function signed({ identity, nonce, tbs, thisUpdate, nextUpdate }: Draft, signature: Uint8Array): OcspAnswer {
  const algorithm = { raw: SIGNATURE_ALGORITHMS[identity.key.algorithm] };
  const der = encodeOcspResponse(tbs, algorithm, signature, [identity.certificate.der]);
  if (nonce !== undefined) return { status: 'successful', der, shared: undefined };
  // RFC 9919 §6.2 recommends this form.
  const etag = `"${hash('sha256', der, 'hex')}"`;
  return { status: 'successful', der, shared: { thisUpdate, nextUpdate, etag } };
}

const errors = new Map<OcspStatus, OcspAnswer>();

/** RFC 6960 §2.3: errors are not signed. */
function errorAnswer(status: Exclude<OcspStatus, 'successful'>): OcspAnswer {
  let answer = errors.get(status);
  if (answer === undefined) errors.set(status, (answer = { status, der: encodeOcspError(status), shared: undefined }));
  return answer;
}
