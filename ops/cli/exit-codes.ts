/** What `licet` tells the shell. Documented in docs/cli.md; scripts depend on it, so a number never changes its meaning. */
export const EXIT = {
  ok: 0,
  /** The answer is no: a license that is not usable, an audit chain that is broken. */
  no: 1,
  /** The question could not be answered: a file that is no license, a server that cannot be reached. */
  unknown: 2,
  /** The command line itself is wrong (EX_USAGE). */
  usage: 64,
  /** The server refuses what was asked: not valid, not found, or not in this state (EX_DATAERR). */
  refused: 65,
  /** A file or another input is missing or unreadable (EX_NOINPUT). */
  noInput: 66,
  /** The machine lacks something, e.g. Node is too old (EX_UNAVAILABLE). */
  unavailable: 69,
  /** A defect in licet itself (EX_SOFTWARE). */
  internal: 70,
  /** An output file could not be written (EX_CANTCREAT). */
  cannotWrite: 73,
  /** The server cannot be reached or is busy: the same command may work later (EX_TEMPFAIL). */
  temporary: 75,
  /** Who asks is not known to the server, or may not do this (EX_NOPERM). */
  notAllowed: 77,
  /** The configuration is wrong (EX_CONFIG). */
  config: 78,
  /** Nobody reads on, as after `head`: what the shell says of programs that SIGPIPE ends, which Node ignores. */
  pipeClosed: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
