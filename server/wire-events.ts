import { AuthorityError, REVOCATION_REASONS, type Revoker } from '@licet/authority';
import { fromHex } from '@licet/format';
import type { Job } from './jobs/job.ts';
import type { Subscriber } from './jobs/outbox-deliverer.ts';
import { REVOCATION_EVENTS, revocationOf } from './licensing/licenses/revocation.ts';
import { tellEndingContracts, tellExpiring, tellOverdueReports, tellRecovered } from './licensing/notices/notices.ts';
import type { OutboxEvent } from './licensing/ports/outbox.ts';
import type { Dependencies } from './licensing/use-case.ts';

/** What the authority said when an event was delivered a second time: what was asked for is so already. */
const DONE_BEFORE: ReadonlySet<string> = new Set(['ALREADY_REVOKED', 'NOT_HELD']);

const ENTERPRISE_CLOSED = 'enterprise.closed';

/**
 * Carries out what the domain decided about licenses: the decision is in the outbox with the rows that it changed, so
 * it reaches journal, CRL and OCSP whatever happens in between.
 */
export function revocationSubscriber(revoker: Revoker): Subscriber {
  return {
    name: 'revocations',
    types: [ENTERPRISE_CLOSED, ...REVOCATION_EVENTS],
    async send(event) {
      try {
        await carryOut(revoker, event);
      } catch (error) {
        if (!(error instanceof AuthorityError && DONE_BEFORE.has(error.code))) throw error;
      }
    },
  };
}

async function carryOut(revoker: Revoker, event: OutboxEvent): Promise<void> {
  const { id, organization, type, payload } = event;
  const context = { event: id };
  if (type === ENTERPRISE_CLOSED) {
    // Before there were reasons, closing was the only one.
    const reason = REVOCATION_REASONS.find((one) => one === payload['reason']) ?? 'cessationOfOperation';
    const order = {
      organization,
      event: { type: 'revoke', reason } as const,
      principal: String(payload['actor']),
      context,
    };
    await revoker.revokeEnterprise(order, String(payload['slug']));
    return;
  }
  const asked = revocationOf(event);
  if (asked === undefined) return;
  const order = { organization, event: asked.change, principal: asked.actor, context };
  await revoker.change(order, { issuer: asked.issuer, serial: fromHex(asked.serial) });
}

/** What time alone makes true: licenses that run out, contracts that end, reports that are overdue. */
export function noticeJobs(licensing: Dependencies): readonly Job[] {
  const job = (name: string, cron: string, tell: (deps: Dependencies) => Promise<number>): Job => ({
    name,
    cron,
    timeoutSeconds: 300,
    catchUp: true,
    async run({ signal }) {
      // Each call is one transaction over one batch; what an aborted run has told stays told.
      while (!signal.aborted && (await tell(licensing)) > 0);
    },
  });
  return [
    job('tell-expiring-licenses', '*/10 * * * *', tellExpiring),
    job('tell-ending-contracts', '12 * * * *', tellEndingContracts),
    job('tell-overdue-reports', '32 * * * *', tellOverdueReports),
    job('settle-alerts', '*/5 * * * *', tellRecovered),
  ];
}
