import type { Subscriber } from './jobs/outbox-deliverer.ts';
import { contractClaims } from './licensing/contracts/claims.ts';
import type { OutboxEvent } from './licensing/ports/outbox.ts';
import type { Dependencies } from './licensing/use-case.ts';
import type { AuthorityParts } from './wire-authority.ts';

type Follows = {
  readonly licensing: Pick<Dependencies, 'transactions' | 'stores'>;
  readonly authority: Pick<AuthorityParts, 'enterprises' | 'delegation' | 'fence'>;
};

/**
 * The CA of a contract follows it: what was lowered is certified anew at once and the older certificate revoked, also
 * when no site asks for a license. A CA that an enterprise keeps itself also gets what was raised, and ends with its
 * contract, because nothing else would stop it.
 */
export function contractSubscriber(follows: Follows): Subscriber {
  return {
    name: 'contract-authorities',
    types: ['contract.changed', 'contract.ended'],
    send: (event) => (event.type === 'contract.ended' ? end(follows, event) : change(follows, event)),
  };
}

async function change(follows: Follows, event: OutboxEvent): Promise<void> {
  const { lowers, raises } = event.payload;
  if (lowers !== true && raises !== true) return;
  const { contract, enterprise } = await read(follows, event);
  if (contract === undefined || enterprise === undefined || contract.status === 'ended') return;
  const { enterprises, delegation, fence } = follows.authority;
  // Comes again when it is open: nothing is signed for a database that is behind.
  fence.assertOpen();
  const customer = { organization: event.organization, enterprise: enterprise.slug };
  const claims = contractClaims(contract);
  if (lowers === true) await enterprises.follow(customer, claims);
  await delegation.follow({ ...customer, contract: claims });
}

async function end(follows: Follows, event: OutboxEvent): Promise<void> {
  const { contract, enterprise } = await read(follows, event);
  if (contract === undefined || enterprise === undefined) return;
  const of = { organization: event.organization, enterprise: enterprise.slug, contract: contract.id };
  const actor = String(event.payload['actor']);
  await follows.authority.delegation.revoke(of, { reason: 'cessationOfOperation', actor });
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
