import type { Subscriber } from '../jobs/outbox-deliverer.ts';
import { contractClaims } from '../licensing/contracts/claims.ts';
import { supersedeAbove } from '../licensing/contracts/contracts.ts';
import type { OutboxEvent } from '../licensing/ports/outbox.ts';
import { type Dependencies, inTransaction } from '../licensing/use-case.ts';
import type { AuthorityParts } from './authority.ts';

type Follows = {
  readonly licensing: Dependencies;
  readonly authority: Pick<AuthorityParts, 'enterprises' | 'delegation' | 'fence'>;
};

/**
 * The CA of a contract follows it, also when no site asks for a license: where its certificates were revoked, because the
 * contract was lowered, it gets one that says what the contract says now. A CA that an enterprise keeps itself also gets
 * what was raised.
 */
export function contractSubscriber(follows: Follows): Subscriber {
  return {
    name: 'contract-authorities',
    types: ['contract.changed', 'contract.superseded'],
    send: (event) => follow(follows, event),
  };
}

async function follow(follows: Follows, event: OutboxEvent): Promise<void> {
  const { lowers, raises } = event.payload;
  const isChange = event.type === 'contract.changed';
  if (isChange && lowers !== true && raises !== true) return;
  const { contract, enterprise } = await read(follows, event);
  if (contract === undefined || enterprise === undefined || contract.status === 'ended') return;
  const { enterprises, delegation, fence } = follows.authority;
  // Comes again when it is open: nothing is signed for a database that is behind.
  fence.assertOpen();
  const { organization } = event;
  const customer = { organization, enterprise: enterprise.slug };
  const claims = contractClaims(contract);
  if (!isChange || lowers === true) await enterprises.follow(customer, claims);
  await delegation.follow({ ...customer, contract: claims });
  if (!isChange || lowers !== true) return;
  // Revoked with the change itself, but for a change by a server of before that, beside which this one may run.
  const by = { organization, id: 'system:authority' };
  await inTransaction(follows.licensing, by, async (work) => {
    const locked = await follows.licensing.stores.contracts.lock(work.tx, contract.id);
    if (locked !== undefined) await supersedeAbove(follows.licensing, work, locked);
  });
}

/** As they are now: of several changes the last one counts. */
function read({ licensing: { transactions, stores } }: Follows, { organization, payload }: OutboxEvent) {
  const id = String(payload['subject']).replace(/^contract:/, '');
  return transactions.run(
    { organization },
    async (tx) => {
      const contract = await stores.contracts.get(tx, id);
      return { contract, enterprise: contract && (await stores.enterprises.get(tx, contract.enterprise)) };
    },
    { readOnly: true },
  );
}
