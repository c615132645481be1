import type { Verdict } from '@licet/verify';
import { STATES } from '@licet/verify';

export type Facts = {
  readonly verdict: Verdict | undefined;
  readonly lastContact: Date | undefined;
  readonly nextRenewal: Date | undefined;
  readonly failures: number;
};

/** For node_exporter's textfile collector. Expiry as an instant, so that the series stays the same until it changes. */
export function formatMetrics({ verdict, lastContact, nextRenewal, failures }: Facts): string {
  const seconds = (date: Date | undefined): number => (date === undefined ? 0 : date.getTime() / 1000);
  return [
    gauge('licet_site_usable', 'Whether the license of this site can be used now.', verdict?.usable === true ? 1 : 0),
    ...stateLines(verdict),
    gauge('licet_site_expires_timestamp_seconds', 'When the license or its term ends.', seconds(verdict?.expiresAt)),
    gauge(
      'licet_site_grace_until_timestamp_seconds',
      'Until when an expired license works.',
      seconds(verdict?.graceUntil),
    ),
    gauge('licet_site_last_contact_timestamp_seconds', 'When the authority last answered.', seconds(lastContact)),
    gauge('licet_site_next_renewal_timestamp_seconds', 'When the next renewal is due.', seconds(nextRenewal)),
    gauge('licet_site_renewal_failures', 'Renewals that failed since the last that did not.', failures),
    '',
  ].join('\n');
}

function stateLines(verdict: Verdict | undefined): string[] {
  const name = 'licet_site_state';
  const head = [`# HELP ${name} The state of the license: 1 for the one it is in.`, `# TYPE ${name} gauge`];
  return [...head, ...STATES.map((state) => `${name}{state="${state}"} ${verdict?.state === state ? 1 : 0}`)];
}

function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}`;
}
