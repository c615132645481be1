/** Every bar that Licet holds itself to, so that one that was not measured is visible as such. */
export const SPEED_BARS: Readonly<Record<string, string>> = {
  DB: 'commits per second of both database hosts, single and batched',
  P1: 'issue in process against the bare cryptography',
  P2: 'issue over HTTPS, durable in PostgreSQL, 64 clients',
  P3: 'OCSP over HTTP: cached, and freshly signed',
  P4: 'offline verification against the bare signatures',
  P5: 'CRL of 100,000 and of 1,000,000 entries',
  P6: 'growth to 10,000,000 certificates',
  P7: 'start and memory',
  P8: 're-issue a fleet of 100,000 sites',
  P9: 'revocation becomes visible',
  revoke: '100,000 revocations in one order, killed half-way',
  validate: 'the verdict with its token over HTTPS, keep-alive',
};

export const DRILL_BARS: Readonly<Record<string, string>> = {
  F1: 'kill -9 of the server at random and at each named crash point',
  F2: 'kill -9 of PostgreSQL; power loss of the embedded database',
  F3: 'disk full on data and journal',
  F4: 'the database link delayed, black-holed, cut in mid-COMMIT',
  F5: 'signer killed, stopped, slow',
  F6: 'the clock moved',
  F7: 'the authority gone for 24 days',
  F8: "yesterday's backup restored",
  F9: '10,000 agents in one second',
  F10: 'two servers restarted in turn under load',
  B1: '1,000,000 mutated inputs over every parser',
  B2: 'every single-bit mutant of leaves, CRLs and manifests',
  B6: 'edits of audit, ledger, manifest and journal',
  B7: 'cloned sites',
  B8: 'planted secrets',
  T21: 'what must not be told apart by its time',
};
