import { z } from 'zod';
import { assertSeen, changed, found, newEntity } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { displayName, reference, version } from '../fields.ts';
import type { Outcome } from '../model/delivery.ts';
import { type MailRecipient, MAILED } from '../model/receiver.ts';
import { type Dependencies, inTransaction, reading, type Work } from '../use-case.ts';
import { alertKinds, assertMayHear, enterprise, events } from './hears.ts';
import { noticeUseCase } from './input.ts';
import { testMail } from './mail-text.ts';
import type { Mailer, NoticeDeps } from './ports.ts';

const MOST_RECIPIENTS = 100;

const address = z.email().max(254).describe('Of a person or a list.').meta({ example: 'licenses@example.com' });
const types = events(['*', ...MAILED]).meta({ example: ['license.expiring', 'alert.opened'] });
const status = z.enum(['active', 'disabled']).describe('Whether mail is sent.');
const target = z.strictObject({ id: reference('mail recipient'), version });

export const createMailRecipient = noticeUseCase(
  z.strictObject({
    name: displayName,
    address,
    events: types,
    alertKinds: alertKinds.default([]),
    enterprise: enterprise.optional(),
  }),
  (deps, actor, input): Promise<MailRecipient> =>
    inTransaction(deps, actor, async (work) => {
      await assertMayHear(deps, work.tx, actor, { enterprise: input.enterprise });
      mailerOf(deps);
      if ((await deps.stores.mailRecipients.count(work.tx, {})) >= MOST_RECIPIENTS) {
        const message = `An organization has at most ${MOST_RECIPIENTS} mail recipients; use the address of a list.`;
        throw new LicetError('conflict', 'MAIL_RECIPIENTS_TOO_MANY', message);
      }
      const entity = newEntity(deps, actor.organization, work.at);
      const wanted = { ...input, events: heard(input.events), enterprise: input.enterprise };
      const recipient: MailRecipient = { ...entity, ...wanted, status: 'active' };
      await deps.stores.mailRecipients.insert(work.tx, recipient);
      work.note({ action: 'mail-recipient.created', subject: subjectOf(recipient.id) });
      return recipient;
    }),
);

export const changeMailRecipient = noticeUseCase(
  z.strictObject({
    ...target.shape,
    name: displayName.optional(),
    address: address.optional(),
    events: types.optional(),
    alertKinds: alertKinds.optional(),
    enterprise: enterprise.optional(),
    status: status.optional(),
  }),
  (deps, actor, { id, version: seen, events: wanted, ...input }) =>
    inTransaction(deps, actor, async (work) => {
      await assertMayHear(deps, work.tx, actor, { enterprise: input.enterprise });
      const before = await lockRecipient(deps, work, id, seen);
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
      const after = changed(before, work.at, { ...given, events: wanted ? heard(wanted) : before.events });
      await deps.stores.mailRecipients.replace(work.tx, after);
      if (after.status === 'disabled') {
        await deps.stores.deliveries.giveUp(work.tx, id, 'The mail recipient was disabled.');
      }
      work.note({ action: 'mail-recipient.changed', subject: subjectOf(id) });
      return after;
    }),
);

export const removeMailRecipient = noticeUseCase(target, (deps, actor, { id, version: seen }) =>
  inTransaction(deps, actor, async (work) => {
    await assertMayHear(deps, work.tx, actor, { enterprise: undefined });
    await lockRecipient(deps, work, id, seen);
    await deps.stores.removeReceiver(work.tx, id);
    work.note({ action: 'mail-recipient.removed', subject: subjectOf(id) });
  }),
);

/** One mail that means nothing; it is not tried again. */
export const testMailRecipient = noticeUseCase(
  z.strictObject({ id: reference('mail recipient') }),
  async (deps, actor, { id }): Promise<Outcome> => {
    const mailer = mailerOf(deps);
    const recipient = await reading(deps, actor, async (tx) => {
      await assertMayHear(deps, tx, actor, { enterprise: undefined });
      return found('mail recipient', await deps.stores.mailRecipients.get(tx, id));
    });
    return mailer.send({ to: recipient.address, ...testMail(actor.organization) });
  },
);

function mailerOf({ mailer }: NoticeDeps): Mailer {
  if (mailer !== undefined) return mailer;
  const message = 'This server sends no mail: whoever runs it must set mail.host and mail.from first.';
  throw new LicetError('conflict', 'MAIL_OFF', message);
}

/** All that there is mail of: the catalog of events has more. */
const heard = (wanted: readonly string[]): readonly string[] => (wanted.includes('*') ? [...MAILED] : wanted);

const subjectOf = (id: string): string => `mail-recipient:${id}`;

async function lockRecipient({ stores }: Dependencies, { tx }: Work, id: string, seen: number | undefined) {
  const recipient = found('mail recipient', await stores.mailRecipients.lock(tx, id));
  assertSeen('mail recipient', recipient, seen);
  return recipient;
}
