import { type AuditRow, type ChainHead, GENESIS, hashRow } from './chain.ts';

/** What is wrong with a chain. The first finding ends the check of that chain: what follows a bad row proves nothing. */
export type AuditFinding = {
  readonly organization: string;
  /** The first bad row. */
  readonly sequence: number;
  readonly code: AuditFault;
  readonly message: string;
};

export type AuditFault =
  | 'AUDIT_HASH' // the row is not what was hashed
  | 'AUDIT_LINK' // the row does not continue the one before: one of the two was rewritten
  | 'AUDIT_MISSING' // a row is gone: from the middle, the beginning or the end
  | 'AUDIT_UNEXPECTED' // a row that has no place in the chain
  | 'AUDIT_HEAD' // the head of the chain does not agree with the last row
  | 'AUDIT_CHECKPOINT'; // the chain is sound in itself, and is not the one that was seen before

/**
 * Checks one chain row by row, as it streams by. Give it rows in the order of their sequence, then `end` with the head
 * of the same moment. A chain can also be checked from the middle: the first row is then taken as given except for its
 * own hash.
 */
export class ChainVerifier {
  readonly #organization: string;
  /** By sequence; a set, because checkpoints that contradict each other must not both be met. */
  readonly #checkpoints = new Map<number, Set<string>>();
  #promised = 0;
  #expected: number;
  /** Undefined before the first row of a check from the middle: what came before is not known. */
  #previous: string | undefined;
  #finding: AuditFinding | undefined;
  #rows = 0;

  constructor(organization: string, options: { from?: number; checkpoints?: readonly ChainHead[] } = {}) {
    this.#organization = organization;
    this.#expected = options.from ?? 1;
    this.#previous = this.#expected === 1 ? GENESIS : undefined;
    for (const known of options.checkpoints ?? []) {
      if (known.organization === organization && known.sequence >= this.#expected) this.#remember(known);
    }
  }

  /** How many rows were found good. */
  get rows(): number {
    return this.#rows;
  }

  get finding(): AuditFinding | undefined {
    return this.#finding;
  }

  row(row: AuditRow): void {
    if (this.#finding !== undefined) return;
    const fault = this.#faultOf(row);
    if (fault !== undefined) {
      this.#finding = fault;
      return;
    }
    this.#rows += 1;
    this.#expected += 1;
    this.#previous = row.hash;
  }

  /** The rows are over. `head` is undefined when the chain has none. */
  end(head: ChainHead | undefined): AuditFinding | undefined {
    this.#finding ??= this.#endFault(head);
    return this.#finding;
  }

  #faultOf(row: AuditRow): AuditFinding | undefined {
    if (row.organization !== this.#organization) {
      return this.#fault(row.sequence, 'AUDIT_UNEXPECTED', `belongs to the chain of "${row.organization}"`);
    }
    if (row.sequence > this.#expected) return this.#fault(this.#expected, 'AUDIT_MISSING', 'is missing');
    if (row.sequence !== this.#expected) {
      return this.#fault(row.sequence, 'AUDIT_UNEXPECTED', `stands where row ${this.#expected} belongs`);
    }
    if (hashRow(row) !== row.hash) return this.#fault(row.sequence, 'AUDIT_HASH', 'is not what its hash was made of');
    if (this.#previous !== undefined && row.previous !== this.#previous) {
      return this.#fault(row.sequence, 'AUDIT_LINK', 'does not continue the row before it');
    }
    const known = this.#checkpoints.get(row.sequence) ?? [];
    if ([...known].some((hash) => hash !== row.hash)) {
      return this.#fault(row.sequence, 'AUDIT_CHECKPOINT', 'has another hash than the checkpoint of it');
    }
    return undefined;
  }

  #endFault(head: ChainHead | undefined): AuditFinding | undefined {
    const last = this.#expected - 1;
    const headed = head?.sequence ?? 0;
    const promised = Math.max(headed, this.#promised);
    if (promised > last) {
      const witness = this.#promised > headed ? 'a checkpoint' : 'the head of the chain';
      return this.#fault(last + 1, 'AUDIT_MISSING', `is missing: ${witness} says that the chain goes to ${promised}`);
    }
    if (this.#rows === 0) return undefined;
    if (head === undefined) return this.#fault(last, 'AUDIT_HEAD', 'is the last, and the head of the chain is missing');
    if (head.sequence < last) {
      return this.#fault(head.sequence + 1, 'AUDIT_UNEXPECTED', `stands beyond the head of the chain`);
    }
    if (head.hash !== this.#previous) {
      return this.#fault(last, 'AUDIT_HEAD', 'is the last, and the head of the chain has another hash');
    }
    return undefined;
  }

  #remember(known: ChainHead): void {
    const hashes = this.#checkpoints.get(known.sequence) ?? new Set();
    this.#checkpoints.set(known.sequence, hashes.add(known.hash));
    this.#promised = Math.max(this.#promised, known.sequence);
  }

  #fault(sequence: number, code: AuditFault, what: string): AuditFinding {
    const message = `Row ${sequence} of the audit log of "${this.#organization}" ${what}.`;
    return { organization: this.#organization, sequence, code, message };
  }
}
