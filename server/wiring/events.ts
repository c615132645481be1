import { REVOCATION_REASONS, type Revoker } from '@licet/authority';
import type { Job } from '../jobs/job.ts';
import type { Subscriber } from '../jobs/outbox-deliverer.ts';
import { tellEndingContracts, tellExpiring, tellOverdueReports, tellRecovered } from '../licensing/notices/notices.ts';
import type { OutboxEvent } from '../licensing/ports/outbox.ts';
import type { Dependencies } from '../licensing/use-case.ts';

const ENTERPRISE_CLOSED = 'enterprise.closed';

/**
 * Revokes the licenses below an enterprise that was closed, however many. Its CA certificates are revoked already, with
 * the closing itself, and with them everything below for whoever checks the chain.
 */
export function revocationSubscriber(revoker: Revoker): Subscriber {
  return {
    name: 'revocations',
    types: [ENTERPRISE_CLOSED],
    send: (event) => revokeBelow(revoker, event),
  };
}

async function revokeBelow(revoker: Revoker, { id, organization, type, payload }: OutboxEvent): Promise<void> {
  if (type !== ENTERPRISE_CLOSED) return;
  // Before there were reasons, closing was the only one.
  const reason = REVOCATION_REASONS.find((one) => one === payload['reason']) ?? 'cessationOfOperation';
  const order = {
    organization,
    event: { type: 'revoke', reason } as const,
    principal: String(payload['actor']),
    context: { event: id },
  };
  await revoker.revokeEnterprise(order, String(payload['slug']));
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
