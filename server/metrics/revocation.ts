import { type ChangeOutcome, REVOCATION_REASONS, type RevocationEvent } from '@licet/authority';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CrlFigures } from '../authority/ports/crl-figures.ts';
import { remembering } from './remembering.ts';

export type RevocationMetrics = {
  readonly judged: (event: RevocationEvent, outcomes: readonly ChangeOutcome[]) => void;
  readonly ocspAnswered: (status: string) => void;
  readonly crlPublished: (secondsBehind: number | undefined) => void;
  readonly crlRefused: () => void;
  /** Read at each scrape; when that fails, what was read last stands. */
  readonly watchCrls: (read: () => Promise<readonly CrlFigures[]>) => void;
};

const OCSP_STATUSES = ['successful', 'malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized'];

export function revocationMetrics(registry: Registry): RevocationMetrics {
  const registers = [registry];
  const changes = new Counter({
    name: 'licet_revocations_total',
    help: 'What this process was asked to do to certificates, by reason and outcome; reinstate undoes a certificateHold.',
    labelNames: ['reason', 'outcome'],
    registers,
  });
  const publications = new Counter({
    name: 'licet_crl_publications_total',
    help: 'CRLs that this process made, by result; one that is refused leaves the one before in force.',
    labelNames: ['result'],
    registers,
  });
  const delay = new Histogram({
    name: 'licet_crl_delay_seconds',
    help: 'From the oldest revocation that a CRL had not known to its publication.',
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 300],
    registers,
  });
  const answers = ocspAnswers(registry);
  for (const result of ['published', 'refused']) publications.inc({ result }, 0);
  for (const reason of [...REVOCATION_REASONS, 'certificateHold', 'reinstate']) {
    changes.inc({ reason, outcome: 'applied' }, 0);
  }
  return {
    judged(event, outcomes) {
      const reason = reasonOf(event);
      const counts = Map.groupBy(outcomes, (outcome) => outcome);
      for (const [outcome, { length }] of counts) changes.inc({ reason, outcome: outcome.toLowerCase() }, length);
    },
    ocspAnswered: answers,
    crlPublished(secondsBehind) {
      publications.inc({ result: 'published' });
      if (secondsBehind !== undefined) delay.observe(secondsBehind);
    },
    crlRefused: () => publications.inc({ result: 'refused' }),
    watchCrls: (read) => watchCrls(registry, read),
  };
}

const reasonOf = (event: RevocationEvent): string =>
  event.type === 'revoke' ? event.reason : event.type === 'hold' ? 'certificateHold' : 'reinstate';

/** Counted in a plain object, because there is one for each answer, and the counter would build a name each time. */
function ocspAnswers(registry: Registry): (status: string) => void {
  const counts: Record<string, number> = Object.fromEntries(OCSP_STATUSES.map((status) => [status, 0]));
  const answers = new Counter({
    name: 'licet_ocsp_answers_total',
    help: 'OCSP answers of this process by response status, RFC 6960 4.2.1.',
    labelNames: ['status'],
    registers: [],
    collect() {
      this.reset();
      for (const [status, count] of Object.entries(counts)) this.inc({ status }, count);
    },
  });
  registry.registerMetric(answers);
  return (status) => void (counts[status] = (counts[status] ?? 0) + 1);
}

const GAUGES: readonly (readonly [name: string, help: string, of: (figures: CrlFigures, now: number) => number])[] = [
  ['licet_crls', 'CRLs in force, by kind of authority.', ({ lists }) => lists],
  ['licet_crl_entries', 'Entries of all CRLs of the kind.', ({ entries }) => entries],
  ['licet_crl_bytes', 'Size of the largest CRL of the kind.', ({ bytes }) => bytes],
  ['licet_crl_number', 'The highest CRL number of the kind: nanoseconds since 1970.', ({ number }) => number],
  ['licet_crl_age_seconds', 'Age of the oldest CRL of the kind.', ({ oldestAt }, now) => now - seconds(oldestAt)],
  [
    'licet_crl_next_update_timestamp_seconds',
    'When the first CRL of the kind ends. That of an offline root has to be brought here in time.',
    ({ soonestEnd }) => seconds(soonestEnd),
  ],
];

const seconds = (time: Date): number => time.getTime() / 1000;

function watchCrls(registry: Registry, read: () => Promise<readonly CrlFigures[]>): void {
  const remembered = remembering(read, []);
  for (const [name, help, of] of GAUGES) {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['kind'],
      registers: [],
      async collect() {
        const { value: figures, at } = await remembered();
        this.reset();
        for (const one of figures) this.set({ kind: one.kind }, of(one, at));
      },
    });
    registry.registerMetric(gauge);
  }
}
