import { LicetError } from '../errors.ts';
import { instantsOf } from '../model/calendar.ts';
import type { RenewalCase } from '../ports/licenses.ts';

type InForce = {
  readonly organization: RenewalCase['organization'];
  readonly enterprise: Pick<RenewalCase['enterprise'], 'status'>;
  readonly contract: Pick<RenewalCase['contract'], 'status' | 'term'>;
};

/** Whether licenses are given below this contract now. Not paying means no more than this: the next one is refused. */
export function assertInForce({ organization, enterprise, contract }: InForce, at: Date): void {
  const reason = reasonAgainst({ organization, enterprise, contract }, at);
  if (reason === undefined) return;
  const [code, message] = reason;
  throw new LicetError('forbidden', code, message);
}

function reasonAgainst({ organization, enterprise, contract }: InForce, at: Date): [string, string] | undefined {
  if (organization.status !== 'active') {
    return ['ORGANIZATION_SUSPENDED', 'The vendor gives no licenses at the moment; ask it when that will change.'];
  }
  if (enterprise.status === 'suspended') {
    return ['ENTERPRISE_SUSPENDED', 'The enterprise is suspended; settle that with the vendor, then try again.'];
  }
  if (enterprise.status === 'closed') return ['ENTERPRISE_CLOSED', 'The enterprise is no customer any more.'];
  if (contract.status === 'draft') return ['CONTRACT_DRAFT', 'The contract is not active yet; activate it first.'];
  if (contract.status === 'suspended') {
    return ['CONTRACT_SUSPENDED', 'The contract is suspended; settle that with the vendor, then try again.'];
  }
  if (contract.status === 'ended') return ['CONTRACT_ENDED', 'The contract has ended; order a new one.'];
  const { from, to } = instantsOf(contract.term);
  if (at < from) return ['TERM_NOT_BEGUN', `The term of the contract begins at ${from.toISOString()}.`];
  if (at >= to) return ['TERM_ENDED', `The term of the contract ended at ${to.toISOString()}; renew the contract.`];
  return undefined;
}
