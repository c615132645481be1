import { type Certificate, toHex } from '@licet/format';
import type { Verdict } from '@licet/verify';
import { askingSeconds, pauseSeconds } from './backoff.ts';
import { readLicense, siteIn } from './chain.ts';
import { writeDurably } from './durable.ts';
import { renew } from './enrol.ts';
import { type AgentCode, AgentError, diskError, readError } from './errors.ts';
import { fetchEvidence } from './evidence.ts';
import { look, remember } from './look.ts';
import { formatMetrics } from './metrics.ts';
import { renewChain } from './new-chain.ts';
import { isToWaitFor, LONGEST_WAIT_SECONDS, Pace } from './pace.ts';
import { renewalTime, type Suggestion } from './renewal-time.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';
import type { Generation } from './site-folder.ts';
import { askSuggestion, keepSuggestion, keptSuggestion } from './suggestion.ts';

/** What the agent needs of the world. Drills hand in a simulated one and run this very code. */
export type World = {
  now(): Date;
  /** From 0 up to 1. */
  chance(): number;
  log(message: string): void;
  /** Before something in the folder is changed; rejects while another agent may do that, or nobody can. */
  claimFolder(): Promise<void>;
};

/** What was refused for good reasons needs a person first. */
const AFTER_REFUSAL_SECONDS = 3600;
const DEFECT = { code: 'DEFECT', retryAfterSeconds: undefined } as const;
const FOR_A_PERSON: ReadonlySet<AgentCode | typeof DEFECT.code> = new Set(['REFUSED', 'NO_SERVER']);
/** Licenses are dated back by minutes, so that clocks that are a little late take them. */
const MOST_BACKDATED_MS = 3_600_000;
/** Never sleep longer: a machine that slept, or whose clock was set, is noticed at the next look. */
const LONGEST_SLEEP_SECONDS = 60;

/**
 * The agent of one site. `tick` does what is due and says how long to wait; all times are compared with the clock anew
 * each time, so sleeping, jumps of the clock and restarts need no care of their own.
 */
export class Agent {
  readonly #site: Site;
  readonly #settings: Settings;
  readonly #world: World;
  readonly #pace = new Pace();
  /** The license that was last renewed was old by this clock at that moment. */
  #isAhead = false;
  #askAt = new Date(0);
  #suggestion: Suggestion | undefined;
  /** The serial of the license that it is about. */
  #suggestedFor: string | undefined;
  #isFirstLook = true;
  #lastContact: Date | undefined;
  #verdict: Verdict | undefined;
  /** What was said last of each thing that is said once. */
  readonly #said = new Map<string, string>();

  constructor(site: Site, settings: Settings, world: World) {
    this.#site = site;
    this.#settings = settings;
    this.#world = world;
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Returns the milliseconds until the next look. A step that fails is told of, and keeps no other from being taken. */
  async tick(): Promise<number> {
    await this.#step('asking the authority', () => this.#ask());
    await this.#step('renewing', () => this.#renewIfDue());
    await this.#step('looking at the license', () => this.#look());
    const nextRenewal = await this.#step('looking when to renew', () => this.#renewalDue());
    await this.#step('writing the metrics', () => this.#tell(nextRenewal));
    return 1000 * Math.min(LONGEST_SLEEP_SECONDS, Math.max(1, this.#secondsUntil(nextRenewal)));
  }

  async #step<T>(what: string, step: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await step();
      this.#said.delete(what);
      return result;
    } catch (error) {
      this.#sayOnce(what, `${what} has failed, and is tried again: ${reasonOf(error)}`);
      return undefined;
    }
  }

  async #renewIfDue(): Promise<void> {
    const due = await this.#renewalDue();
    const now = this.#world.now();
    if (due === undefined || now < due) return;
    if (this.#pace.isResting(now)) await this.#tellRest();
    else if (!isToWaitFor(this.#pace.notBefore, now)) await this.#renew(due);
  }

  #secondsUntil(nextRenewal: Date | undefined): number {
    const next = Math.max(nextRenewal?.getTime() ?? Infinity, this.#pace.notBefore.getTime());
    return (next - this.#world.now().getTime()) / 1000;
  }

  async #ask(): Promise<void> {
    const now = this.#world.now();
    if (isToWaitFor(this.#askAt, now) || this.#settings.servers.length === 0) return;
    const current = await this.#site.store.current();
    if (current === undefined) return;
    if (this.#isFirstLook) this.#remember(await keptSuggestion(this.#site.folder, current), current);
    this.#isFirstLook = false;
    const suggestion = await askSuggestion(this.#settings, current, await this.#site.folder.root(), this.#site.signal);
    if (suggestion !== undefined) {
      this.#take(suggestion, current);
      await this.#note('suggestion', () => keepSuggestion(this.#site.folder, current, suggestion));
    }
    const wait = (isMissing: boolean): void => {
      const seconds = askingSeconds(isMissing, this.#world.chance(), suggestion?.retryAfterSeconds);
      this.#askAt = new Date(now.getTime() + 1000 * seconds);
    };
    wait(suggestion === undefined);
    await this.#fetchEvidence();
    if ((await this.#codes()).includes('ISSUER_REVOKED')) await this.#renewChain();
    // Of a contract that was just lowered the next CA certificate comes a moment after the end of the one before, and what
    // came may be another of those that ended. A site that is reinstated is to work again soon. Nothing else tells of either.
    const codes = await this.#codes();
    if (codes.includes('ISSUER_REVOKED') || codes.includes('SUSPENDED')) wait(true);
  }

  async #fetchEvidence(): Promise<void> {
    for (const fetched of await fetchEvidence(this.#site, this.#world.now(), this.#settings)) {
      if ('problem' in fetched) this.#world.log(`no new evidence from ${fetched.url}: ${fetched.problem}`);
      else this.#contact();
    }
  }

  async #codes(): Promise<string[]> {
    const verdict = await look(this.#site, this.#settings, this.#world.now());
    return verdict?.codes.map(({ code }) => code) ?? [];
  }

  async #renewChain(): Promise<void> {
    try {
      await this.#world.claimFolder();
      await this.#site.store.refresh();
      if (!(await renewChain(this.#site, this.#settings, this.#world.now()))) return;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#world.log(
        `a CA above the license is revoked, and there is no other chain (${error.code}): ${error.message}`,
      );
      return;
    }
    this.#contact();
    this.#world.log('a CA above the license was certified anew: its chain is renewed');
    await this.#fetchEvidence();
  }

  #take(suggestion: Suggestion, current: Generation): void {
    this.#contact();
    const { explanation } = suggestion;
    if (explanation !== undefined && explanation !== this.#suggestion?.explanation) {
      this.#world.log(`the authority moves the time of renewal: ${explanation}`);
    }
    this.#remember(suggestion, current);
  }

  #remember(suggestion: Suggestion | undefined, { license }: Generation): void {
    this.#suggestion = suggestion;
    this.#suggestedFor = toHex(readLicense(license).leaf.serial);
  }

  async #license(): Promise<Certificate | undefined> {
    const current = await this.#site.store.current();
    return current && readLicense(current.license).leaf;
  }

  async #renewalDue(): Promise<Date | undefined> {
    const license = await this.#license();
    if (license === undefined) return undefined;
    // Another machine may have put another license here since the authority was asked.
    const isAsked = this.#suggestedFor === toHex(license.serial);
    return renewalTime(license, siteIn(license), isAsked ? this.#suggestion : undefined);
  }

  async #renew(since: Date): Promise<void> {
    try {
      await this.#world.claimFolder();
      // Another machine with the same license may have renewed it.
      await this.#site.store.refresh();
      const due = await this.#renewalDue();
      if (due !== undefined && this.#world.now() < due) return await this.#hasRenewed('renewed elsewhere', since);
      await renew(this.#site, this.#settings, () => this.#world.now());
      this.#contact();
      await this.#hasRenewed('renewed', since);
    } catch (thrown) {
      const error = readError(thrown);
      const { code, retryAfterSeconds } = error instanceof AgentError ? error : DEFECT;
      const asked = retryAfterSeconds ?? (FOR_A_PERSON.has(code) ? AFTER_REFUSAL_SECONDS : undefined);
      const pause = Math.min(LONGEST_WAIT_SECONDS, pauseSeconds(this.#pace.failures, this.#world.chance(), asked));
      this.#pace.failed(this.#world.now(), pause);
      // A "no" is an answer too: the authority is there.
      if (code === 'REFUSED' || code === 'PENDING') this.#contact();
      this.#world.log(`not renewed (${code}), again in ${Math.round(pause)} s: ${reasonOf(error)}`);
    }
  }

  async #hasRenewed(how: string, since: Date): Promise<void> {
    const now = this.#world.now();
    const license = await this.#license();
    this.#isAhead = license !== undefined && now.getTime() - license.notBefore.getTime() > MOST_BACKDATED_MS;
    this.#pace.succeeded(now, since);
    this.#askAt = new Date(0);
    this.#suggestion = undefined;
    this.#world.log(how);
  }

  /** The license of a moment ago is to be renewed, and is not. */
  async #tellRest(): Promise<void> {
    const license = await this.#license();
    const explanation = this.#suggestion?.explanation;
    const why =
      explanation !== undefined
        ? `the authority asks for it once more: ${explanation}`
        : this.#isAhead
          ? `the clock of this machine is ahead: the license is new, and has begun at ${license?.notBefore.toISOString()}`
          : `the license cannot last longer than its contract and the CAs above it, until ${license?.notAfter.toISOString()}`;
    this.#sayOnce('rest', `not renewed again before ${this.#pace.notBefore.toISOString()}: ${why}`);
  }

  #contact(): void {
    this.#lastContact = this.#world.now();
  }

  async #look(): Promise<void> {
    const before = this.#verdict;
    // What cannot be looked at is worth nothing.
    this.#verdict = undefined;
    const verdict = await look(this.#site, this.#settings, this.#world.now());
    if (verdict !== undefined) await this.#note('mark', () => remember(this.#site.folder, verdict.highWater));
    if (verdict?.state !== before?.state) this.#world.log(`the license is ${verdict?.state ?? 'not there'}`);
    this.#verdict = verdict;
  }

  async #tell(nextRenewal: Date | undefined): Promise<void> {
    const { metrics } = this.#settings;
    if (metrics === undefined) return;
    const facts = {
      verdict: this.#verdict,
      lastContact: this.#lastContact,
      nextRenewal,
      failures: this.#pace.failures,
    };
    await this.#note('metrics', () => writeDurably(metrics, formatMetrics(facts)));
  }

  /** A disk that takes nothing is told of once, and no reason to stop answering. */
  async #note(what: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
      this.#said.delete(what);
    } catch (error) {
      const told = diskError(this.#site.folder.path, error);
      if (!(told instanceof AgentError)) throw told;
      this.#sayOnce(what, told.message);
    }
  }

  #sayOnce(what: string, message: string): void {
    if (message !== this.#said.get(what)) this.#world.log(message);
    this.#said.set(what, message);
  }
}

/** Of what should not happen, also where. */
function reasonOf(thrown: unknown): string {
  const error = readError(thrown);
  if (error instanceof AgentError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
