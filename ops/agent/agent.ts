import { formatName } from '@licet/format';
import type { Verdict } from '@licet/verify';
import { askingSeconds, pauseSeconds } from './backoff.ts';
import { readLicense } from './chain.ts';
import { writeDurably } from './durable.ts';
import { renew } from './enrol.ts';
import { type AgentCode, AgentError, diskError } from './errors.ts';
import { fetchEvidence } from './evidence.ts';
import { look, remember } from './look.ts';
import { formatMetrics } from './metrics.ts';
import { renewChain } from './new-chain.ts';
import { renewalTime, type Suggestion } from './renewal-time.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';
import { askSuggestion, keepSuggestion, keptSuggestion } from './suggestion.ts';

/** What the agent needs of the world. Drills hand in a simulated one and run this very code. */
export type World = {
  now(): Date;
  /** From 0 up to 1. */
  chance(): number;
  log(message: string): void;
  /** Called after a new license is in place, so that servers load it: no restart. */
  renewed(): Promise<void>;
};

/** What was refused for good reasons needs a person first. */
const AFTER_REFUSAL_SECONDS = 3600;
const FOR_A_PERSON: ReadonlySet<AgentCode> = new Set(['REFUSED', 'NO_SERVER']);
/** Nobody waits longer, whatever was asked: a time further ahead was set by a clock that was wrong. */
const LONGEST_WAIT_SECONDS = 86_400;
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
  #failures = 0;
  #notBefore = new Date(0);
  #askAt = new Date(0);
  #suggestion: Suggestion | undefined;
  #isFirstLook = true;
  #lastContact: Date | undefined;
  #verdict: Verdict | undefined;
  /** What was said of each thing that could not be written. */
  readonly #complaints = new Map<string, string>();

  constructor(site: Site, settings: Settings, world: World) {
    this.#site = site;
    this.#settings = settings;
    this.#world = world;
  }

  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Returns the milliseconds until the next look. */
  async tick(): Promise<number> {
    await this.#ask();
    const due = await this.#renewalDue();
    const now = this.#world.now();
    if (due !== undefined && now >= due && !this.#waitsFor(this.#notBefore)) await this.#renew();
    await this.#look();
    const nextRenewal = await this.#renewalDue();
    await this.#tell(nextRenewal);
    return 1000 * Math.min(LONGEST_SLEEP_SECONDS, Math.max(1, this.#secondsUntil(nextRenewal)));
  }

  #waitsFor(time: Date): boolean {
    const ahead = time.getTime() - this.#world.now().getTime();
    return ahead > 0 && ahead <= LONGEST_WAIT_SECONDS * 1000;
  }

  #secondsUntil(nextRenewal: Date | undefined): number {
    const next = Math.max(nextRenewal?.getTime() ?? Infinity, this.#notBefore.getTime());
    return (next - this.#world.now().getTime()) / 1000;
  }

  async #ask(): Promise<void> {
    const now = this.#world.now();
    if (this.#waitsFor(this.#askAt) || this.#settings.servers.length === 0) return;
    const current = await this.#site.store.current();
    if (current === undefined) return;
    if (this.#isFirstLook) this.#suggestion = await keptSuggestion(this.#site.folder, current);
    this.#isFirstLook = false;
    const suggestion = await askSuggestion(this.#settings, current, await this.#site.folder.root());
    if (suggestion !== undefined) {
      this.#take(suggestion);
      await this.#note('suggestion', () => keepSuggestion(this.#site.folder, current, suggestion));
    }
    const wait = (isMissing: boolean): void => {
      const seconds = askingSeconds(isMissing, this.#world.chance(), suggestion?.retryAfterSeconds);
      this.#askAt = new Date(now.getTime() + 1000 * seconds);
    };
    wait(suggestion === undefined);
    await this.#fetchEvidence();
    // Of a contract that was just lowered the next CA certificate comes a moment after the end of the one before.
    if ((await this.#isChainRevoked()) && !(await this.#renewChain())) wait(true);
  }

  async #fetchEvidence(): Promise<void> {
    for (const fetched of await fetchEvidence(this.#site, this.#world.now(), this.#settings)) {
      if ('problem' in fetched) this.#world.log(`no new evidence from ${fetched.url}: ${fetched.problem}`);
      else this.#contact();
    }
  }

  async #isChainRevoked(): Promise<boolean> {
    const verdict = await look(this.#site, this.#settings, this.#world.now());
    return verdict?.codes.some(({ code }) => code === 'ISSUER_REVOKED') === true;
  }

  /** True: there was another chain. */
  async #renewChain(): Promise<boolean> {
    try {
      await this.#site.store.refresh();
      if (!(await renewChain(this.#site, this.#settings, this.#world.now()))) return false;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#world.log(
        `a CA above the license is revoked, and there is no other chain (${error.code}): ${error.message}`,
      );
      return false;
    }
    this.#contact();
    this.#world.log('a CA above the license was certified anew: its chain is renewed');
    await this.#fetchEvidence();
    await this.#world.renewed();
    return true;
  }

  #take(suggestion: Suggestion): void {
    this.#contact();
    const { explanation } = suggestion;
    if (explanation !== undefined && explanation !== this.#suggestion?.explanation) {
      this.#world.log(`the authority moves the time of renewal: ${explanation}`);
    }
    this.#suggestion = suggestion;
  }

  async #renewalDue(): Promise<Date | undefined> {
    const current = await this.#site.store.current();
    if (current === undefined) return undefined;
    const { leaf } = readLicense(current.license);
    return renewalTime(leaf, this.#verdict?.holder?.uri ?? formatName(leaf.subject), this.#suggestion);
  }

  async #renew(): Promise<void> {
    try {
      // Another machine with the same license may have renewed it.
      await this.#site.store.refresh();
      const due = await this.#renewalDue();
      if (due !== undefined && this.#world.now() < due) return await this.#hasRenewed('renewed elsewhere');
      await renew(this.#site, this.#settings, () => this.#world.now());
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const asked = error.retryAfterSeconds ?? (FOR_A_PERSON.has(error.code) ? AFTER_REFUSAL_SECONDS : undefined);
      const pause = Math.min(LONGEST_WAIT_SECONDS, pauseSeconds(this.#failures, this.#world.chance(), asked));
      this.#failures += 1;
      this.#notBefore = new Date(this.#world.now().getTime() + 1000 * pause);
      // A "no" is an answer too: the authority is there.
      if (error.code === 'REFUSED' || error.code === 'PENDING') this.#contact();
      this.#world.log(`not renewed (${error.code}), again in ${Math.round(pause)} s: ${error.message}`);
      return;
    }
    this.#contact();
    await this.#hasRenewed('renewed');
  }

  async #hasRenewed(how: string): Promise<void> {
    this.#failures = 0;
    this.#notBefore = new Date(0);
    this.#askAt = new Date(0);
    this.#suggestion = undefined;
    this.#world.log(how);
    await this.#world.renewed();
  }

  #contact(): void {
    this.#lastContact = this.#world.now();
  }

  async #look(): Promise<void> {
    const verdict = await look(this.#site, this.#settings, this.#world.now());
    if (verdict !== undefined) await this.#note('mark', () => remember(this.#site.folder, verdict.highWater));
    if (verdict?.state !== this.#verdict?.state) this.#world.log(`the license is ${verdict?.state ?? 'not there'}`);
    this.#verdict = verdict;
  }

  async #tell(nextRenewal: Date | undefined): Promise<void> {
    const { metrics } = this.#settings;
    if (metrics === undefined) return;
    const facts = { verdict: this.#verdict, lastContact: this.#lastContact, nextRenewal, failures: this.#failures };
    await this.#note('metrics', () => writeDurably(metrics, formatMetrics(facts)));
  }

  /** A disk that takes nothing is told of once, and no reason to stop answering. */
  async #note(what: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
      this.#complaints.delete(what);
    } catch (error) {
      const told = diskError(this.#site.folder.path, error);
      if (!(told instanceof AgentError)) throw told;
      if (told.message !== this.#complaints.get(what)) this.#world.log(told.message);
      this.#complaints.set(what, told.message);
    }
  }
}
