import type { Certificate } from '@licet/format';
import { prepare } from '../issue/prepare.ts';
import { generateKey, publicKeyOf } from '../keys/algorithms.ts';
import type { KeyDescription, KeyRole } from '../ports/signer.ts';
import type { Order } from './desk.ts';
import type { Room } from './room.ts';

/** The certificate as it would be, built and linted on the way of every certificate and never signed. */
export function draftCertificate(order: Order, { clock, random }: Room): Certificate {
  const ticket = prepare(
    { ...order, principal: 'draft', keyOwner: 'draft', context: {} },
    { now: clock.now(), random },
  );
  return ticket.preview;
}

/** Stands for a key that does not exist yet; its private half is thrown away at once. */
export async function draftKey(role: KeyRole, { clock }: Room): Promise<KeyDescription> {
  return {
    ...role,
    id: 'draft',
    enterprise: role.enterprise,
    publicKey: publicKeyOf(await generateKey(role.algorithm)),
    createdAt: clock.now(),
    generation: 1,
    retiredAt: undefined,
    certificate: undefined,
  };
}
