/**
 * Every place where a drill may kill a process while a certificate is on its way (F1), in the order in which a request
 * passes them, with the room that is hit. Between two neighbours lies exactly one durable effect or one check. Agents are
 * killed from outside, between the answer and its saving (B7).
 */
export const CRASH_POINTS = {
  'issue.authorized': 'server/licensing: the caller may have it; nothing is written',
  'issue.prepared': 'authority/issue: built and linted; nothing is written',
  'issue.recorded': 'authority/issue: serial and bytes are durable; no key has touched them',
  'issue.journaled': 'authority/signer: the order is in the fsynced journal; nothing is signed',
  'issue.signed': 'authority/issue: the signature is here',
  'issue.proven': 'authority/issue: compared and verified; the certificate is not stored',
  'issue.committed': 'authority/issue: certificate, audit and event are durable; nobody has been told',
  'issue.answering': 'server/http: half of the answer is sent',
  'outbox.sending': 'server/jobs: the event is sent and not marked as sent',
  'revoke.journaled': 'authority/revoke: the revocation is in the fsynced journal and not in the database',
  'revoke.committed': 'authority/revoke: revocation, audit and event are durable; nobody has been told',
  'crl.signed': 'authority/revoke: the CRL is signed and not yet under its name',
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

/** Called at each point. Production hands in nothing; a drill hands in a `kill -9`, a test something that throws. */
export type CrashHook = (point: CrashPoint) => void;

export const noCrash: CrashHook = () => {};

/** The variable of a drill: a point, and after a colon at which of its passings. Not set, nothing here does anything. */
export const CRASH_AT = 'LICET_CRASH_AT';

/** Ends the process when the point that `setting` names is passed: `issue.signed`, or `issue.signed:20`. */
export function crashHook(setting: string | undefined, end: () => void): CrashHook {
  if (setting === undefined) return noCrash;
  const [at = '', times = '1'] = setting.split(':');
  let left = Number(times);
  if (!Object.hasOwn(CRASH_POINTS, at) || !(left >= 1)) {
    throw new RangeError(`${CRASH_AT} names no crash point: ${setting}; it is for drills, do not set it.`);
  }
  return (point) => {
    if (point !== at) return;
    left -= 1;
    if (left === 0) end();
  };
}
