/**
 * How the server process ends. Service managers and scripts read these, so a number never changes its meaning; where
 * `licet` (ops/cli) has the same case it uses the same number. Node too old: require-node.js.
 */
export const EXIT_CODES = {
  clean: { code: 0, meaning: 'ended by SIGTERM or SIGINT, all running requests finished' },
  tls: { code: 66, meaning: 'the TLS certificate or key cannot be used' },
  unavailable: {
    code: 69,
    meaning: 'something it needs is missing or cannot be used: the database, or a Node that is new enough',
  },
  crashed: { code: 70, meaning: 'an error nobody foresaw; the log has the record' },
  listen: { code: 71, meaning: 'an address cannot be listened on: in use, not of this machine, or not permitted' },
  cut: {
    code: 75,
    meaning:
      'ended by a signal with requests cut: still running after `http.timeouts.drainSeconds`, or at a second signal',
  },
  configuration: {
    code: 78,
    meaning: 'the configuration cannot be used, or what it names does not fit this Licet (a database that is too new)',
  },
} as const;

export type ExitReason = keyof typeof EXIT_CODES;
