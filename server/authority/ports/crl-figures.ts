/** The CRLs of all authorities of one kind, taken together: one series for each would be thousands. */
export type CrlFigures = {
  readonly kind: string;
  readonly lists: number;
  readonly entries: number;
  /** Of the largest. */
  readonly bytes: number;
  /** Of the newest; it is made from time. */
  readonly number: number;
  readonly oldestAt: Date;
  readonly soonestEnd: Date;
};
