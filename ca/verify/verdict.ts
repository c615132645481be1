import type { Claims, Mode } from '@licet/format';
import type { Code } from './codes.ts';
import type { HighWater } from './high-water.ts';

/** Only an `error` makes a license unusable, and only what is conclusive can be an error. */
export type Severity = 'info' | 'warning' | 'error';

export type Finding = {
  readonly code: Code;
  readonly severity: Severity;
  /** False: something could not be found out. It never turns a paid product off. */
  readonly conclusive: boolean;
  /** The claim it is about. */
  readonly claim?: string;
  /** One sentence for the person who has to do something about it. */
  readonly detail: string;
};

/**
 * Where a license stands, from best to worst.
 *
 * - `valid`
 * - `renew-soon`: works; should have been renewed by now.
 * - `in-grace`: has expired and still works, until `graceUntil`.
 * - `insufficient`: a sound license that does not cover what was asked for.
 * - `restricted`: take on nothing new; let what runs keep running.
 * - `stopped`: the license says that the product stops now.
 * - `invalid`: no license at all.
 */
export const STATES = ['valid', 'renew-soon', 'in-grace', 'insufficient', 'restricted', 'stopped', 'invalid'] as const;
export type State = (typeof STATES)[number];

/** What the verdict is based on: the newest proof that the license was good. */
export type Evidence = {
  /** `issue`: nothing newer than the license itself. `none`: no license. */
  readonly kind: 'ocsp' | 'crl' | 'issue' | 'none';
  /** In seconds. */
  readonly age: number | undefined;
};

/** To whom the license was issued. Only from a path that verified. */
export type Holder = {
  readonly organization: string | undefined;
  readonly enterprise: string | undefined;
  readonly site: string | undefined;
  /** `license://<enterprise>.<organization>/<site>` */
  readonly uri: string;
  /** Serial number of the certificate, in hex. */
  readonly serial: string;
};

export type Verdict = {
  /** The license allows what was asked for, now. */
  readonly usable: boolean;
  readonly state: State;
  /** Everything that was found, the worst first; a `VALID` among them means that all that was asked for holds. */
  readonly codes: readonly Finding[];
  /** The rights that the whole chain grants. Undefined when the chain does not verify. */
  readonly effective: Claims | undefined;
  readonly mode: Mode | undefined;
  /** The product must show that it runs for development only. */
  readonly watermark: boolean;
  readonly holder: Holder | undefined;
  /** When the certificates or the term end, whichever is first. */
  readonly expiresAt: Date | undefined;
  /** Until then an expired license keeps working. */
  readonly graceUntil: Date | undefined;
  /** When time alone may change the verdict: ask again then. */
  readonly nextCheckAt: Date;
  readonly evidence: Evidence;
  /** To be kept and handed in at the next check. */
  readonly highWater: HighWater;
};

const WEIGHT: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Collects what is found. The state is the worst that any finding asks for. */
export class Findings {
  private readonly list: Finding[] = [];
  private worst: State = 'valid';

  /** The license cannot be used; always conclusive. */
  refuse(state: State, code: Code, detail: string, claim?: string): void {
    this.add({ code, severity: 'error', conclusive: true, detail, ...(claim !== undefined && { claim }) });
    this.reach(state);
  }

  /** Works, and somebody should do something about it. */
  warn(code: Code, detail: string, more: { claim?: string; state?: State } = {}): void {
    const { claim, state } = more;
    this.add({ code, severity: 'warning', conclusive: true, detail, ...(claim !== undefined && { claim }) });
    if (state !== undefined) this.reach(state);
  }

  note(code: Code, detail: string, claim?: string): void {
    this.add({ code, severity: 'info', conclusive: true, detail, ...(claim !== undefined && { claim }) });
  }

  /** Something could not be found out; `info` when nobody tried. */
  doubt(code: Code, detail: string, severity: 'info' | 'warning' = 'warning'): void {
    this.add({ code, severity, conclusive: false, detail });
  }

  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  get usable(): boolean {
    return this.list.every(({ severity }) => severity !== 'error');
  }

  get state(): State {
    return this.worst;
  }

  get sorted(): Finding[] {
    return this.list.toSorted((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]);
  }

  private add(finding: Finding): void {
    this.list.push(finding);
  }

  private reach(state: State): void {
    if (STATES.indexOf(state) > STATES.indexOf(this.worst)) this.worst = state;
  }
}
