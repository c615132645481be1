import type { Person } from '../access/model.ts';
import type { Sealer } from '../access/seal.ts';
import type { Outcome } from '../model/delivery.ts';
import { newId } from '../model/id.ts';
import type { Clock } from '../ports/clock.ts';
import type { Deliveries, DeliveryClaim } from '../ports/deliveries.ts';
import type { Random } from '../ports/random.ts';
import type { Transaction } from '../ports/transactions.ts';
import { reading } from '../use-case.ts';
import { invitationMail, type MailText, type Names, noticeMail } from './mail-text.ts';
import type { NoticeDeps } from './ports.ts';

/** To whom the secret of an invitation is bound. */
const invitationOwner = (person: string): string => `invitation:${person}`;

/** Written in the transaction that invites, to be sent when that is true. */
export const sendInvitation =
  ({ clock, random }: { readonly clock: Clock; readonly random: Random }, sealer: Sealer, deliveries: Deliveries) =>
  async (tx: Transaction, { id, organization }: Person, secret: string): Promise<void> => {
    await deliveries.write(tx, {
      organization,
      channel: 'mail',
      receiver: id,
      event: newId(clock, random),
      type: 'person.invited',
      payload: { subject: `person:${id}` },
      at: clock.now(),
      secret: sealer.seal(secret, invitationOwner(id)),
    });
  };

const nobody = { result: 'failed', answer: undefined, error: 'There is nobody left to tell.', isFinal: true } as const;

/** Sends as one mail what several deliveries tell the same recipient. */
export async function sendByMail(
  deps: NoticeDeps,
  claims: readonly DeliveryClaim[],
  signal: AbortSignal,
): Promise<Outcome> {
  const [first] = claims;
  if (first === undefined || deps.mailer === undefined) return nobody;
  const mail = await reading(deps, first, (tx) =>
    first.secret === undefined ? notices(deps, tx, claims) : invitation(deps, tx, first, first.secret),
  );
  return mail === undefined ? nobody : deps.mailer.send({ ...mail, id: first.id }, signal);
}

async function notices(
  deps: NoticeDeps,
  tx: Transaction,
  claims: readonly DeliveryClaim[],
): Promise<(MailText & { to: string }) | undefined> {
  const recipient = await deps.stores.mailRecipients.get(tx, claims[0]!.receiver);
  if (recipient === undefined) return undefined;
  const namesOf = nameFinder(deps, tx);
  const told = [];
  for (const { type, payload, at } of claims) told.push({ type, payload, at, names: await namesOf(payload) });
  told.sort((a, b) => a.at.getTime() - b.at.getTime());
  return { to: recipient.address, ...noticeMail(recipient.organization, told) };
}

/** Looks up each thing once. What is gone since keeps its id. */
function nameFinder({ stores }: NoticeDeps, tx: Transaction): (payload: DeliveryClaim['payload']) => Promise<Names> {
  const known = new Map<string, Promise<string | undefined>>();
  const find = (id: unknown, look: (id: string) => Promise<string | undefined>): Promise<string | undefined> => {
    if (typeof id !== 'string') return Promise.resolve(undefined);
    let name = known.get(id);
    if (name === undefined) known.set(id, (name = look(id)));
    return name;
  };
  return async (payload) => {
    const [kind, subject] = String(payload['subject']).split(':');
    const of = (thing: string): unknown => payload[thing] ?? (kind === thing ? subject : undefined);
    return {
      site: await find(of('site'), async (id) => (await stores.sites.get(tx, id))?.name),
      enterprise: await find(of('enterprise'), async (id) => (await stores.enterprises.get(tx, id))?.name),
      contract: await find(of('contract'), async (id) => (await stores.contracts.get(tx, id))?.number),
      webhook: await find(of('webhook'), async (id) => (await stores.webhooks.get(tx, id))?.name),
    };
  };
}

async function invitation(
  { people, sealer, publicUrl }: NoticeDeps,
  tx: Transaction,
  { receiver, organization }: DeliveryClaim,
  secret: string,
): Promise<(MailText & { to: string }) | undefined> {
  const person = await people.get(tx, receiver);
  // Used, over, or erased since.
  if (person?.status !== 'invited' || person.email === undefined || person.invitedUntil === undefined) return undefined;
  const { name = '', email: to, invitedUntil: until } = person;
  const text = invitationMail({
    organization,
    name,
    url: publicUrl(),
    invitation: sealer.open(secret, invitationOwner(receiver)),
    until,
  });
  return { to, ...text };
}
