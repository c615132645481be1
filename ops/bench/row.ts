/** One line of the table: what was measured against which bar. */
export type Row = {
  /** The row of the bars this belongs to, e.g. `P1` or `F2`; several figures may share one. */
  readonly id: string;
  readonly what?: string;
  readonly bar: string;
  readonly figure: string;
  /** Lowest to highest of the rounds. */
  readonly spread?: string;
  readonly pass: boolean;
};

/** What each file in `speed/` and `drills/` exports. */
export type Measure = { run(): Promise<Row | readonly Row[]> };
