import type { Certificate } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Intent } from '../ports/certificate-store.ts';
import type { IssuerGeneration } from './issuer-generation.ts';

type Make = (intent: Intent, issuer: IssuerGeneration, preview: Certificate) => Ticket;
let make: Make | undefined;

/** Known to this module alone: TypeScript keeps the constructor from others, this keeps it from JavaScript. */
const MINT = Symbol('mint');

/**
 * The right to one signature over exactly these bytes. `prepare` alone makes one, and what signs takes nothing else:
 * the private constructor and the `#field` make the type nominal, so that no look-alike passes.
 */
export class Ticket {
  readonly intent: Intent;
  readonly issuer: IssuerGeneration;
  /** What the bytes will be once they are signed, read back by the decoder that everybody else uses. */
  readonly preview: Certificate;
  #used = false;

  private constructor(mint: symbol, intent: Intent, issuer: IssuerGeneration, preview: Certificate) {
    if (mint !== MINT) throw new TypeError('Only prepare() makes tickets.');
    this.intent = intent;
    this.issuer = issuer;
    this.preview = preview;
  }

  static {
    make = (intent, issuer, preview) => new Ticket(MINT, intent, issuer, preview);
  }

  /** Spends the ticket. The second time it throws: one ticket, one signature. */
  redeem(): void {
    if (this.#used) throw new AuthorityError('TICKET_USED', 'This ticket has been signed already; prepare a new one.');
    this.#used = true;
  }
}

/** For `prepare.ts` alone: no other file imports it, and a test sees to that. */
export function makeTicket(...parts: Parameters<Make>): Ticket {
  return make!(...parts);
}
