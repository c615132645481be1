import type { Delivery } from '../model/delivery.ts';
import type { MAILED } from '../model/receiver.ts';

/** What people call the things that an event names by their ids. */
export type Names = {
  readonly site?: string | undefined;
  readonly enterprise?: string | undefined;
  readonly contract?: string | undefined;
  readonly webhook?: string | undefined;
};

export type Told = Pick<Delivery, 'type' | 'payload' | 'at'> & { readonly names: Names };
export type MailText = { readonly subject: string; readonly text: string };

/** Of one kind; the mail says how many there are beyond. */
const MOST_LINES = 50;

type Kind = {
  /** About several, as a heading. */
  readonly many: string;
  /** About one, as a line of the list, and alone as the subject. */
  readonly line: (told: Told) => string;
  readonly advice: string;
};

const field = ({ payload }: Told, name: string): string => {
  const value = payload[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};
const day = (told: Told, name: string): string => field(told, name).slice(0, 10);
const minute = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')} UTC`;
const site = ({ names }: Told): string => `${names.site ?? 'a site'} of ${names.enterprise ?? 'an enterprise'}`;
function about(told: Told): string {
  if (told.names.site !== undefined) return ` at ${site(told)}`;
  return told.names.enterprise === undefined ? '' : ` at ${told.names.enterprise}`;
}
const words = (code: string): string => code.replaceAll('-', ' ');
const idOf = (told: Told): string => field(told, 'subject').replace(/^[^:]*:/, '');

const WEBHOOK_BECAUSE: Readonly<Record<string, string>> = {
  gone: 'it answered that it is gone',
  failing: 'nothing got through for days',
  person: 'somebody has switched it off',
};

const KINDS: Readonly<Record<(typeof MAILED)[number], Kind>> = {
  'license.expiring': {
    many: 'Licenses that expire soon and were not renewed',
    line: (told) => `The license of ${site(told)} expires on ${day(told, 'notAfter')}`,
    advice: 'A site renews by itself: look whether its agent runs and reaches this server, and what it is refused for.',
  },
  'license.expired': {
    many: 'Licenses that have expired',
    line: (told) => `The license of ${site(told)} expired on ${day(told, 'notAfter')}`,
    advice: 'After the grace of its contract the site stops, and has to be enrolled anew.',
  },
  'contract.ending': {
    many: 'Contracts that end',
    line: (told) =>
      `Contract ${told.names.contract ?? ''} of ${told.names.enterprise ?? 'an enterprise'} ends at ${minute(field(told, 'endsAt'))}`,
    advice: 'When it is to go on, change its term in time; its sites are not renewed beyond it.',
  },
  'alert.opened': {
    many: 'Alerts',
    line: (told) =>
      `${field(told, 'severity') === 'critical' ? 'Critical alert' : 'Alert'}: ${words(field(told, 'kind'))}${about(told)} (${idOf(told)})`,
    advice: 'Say that you are at it by `licet alert acknowledge ID`, and that it is over by `licet alert resolve ID`.',
  },
  'alert.resolved': {
    many: 'Alerts that are over',
    line: (told) => `Resolved: ${words(field(told, 'kind'))}${about(told)} (${idOf(told)})`,
    advice: 'Nothing has to be done.',
  },
  'webhook.disabled': {
    many: 'Webhooks that were disabled',
    line: (told) =>
      `The webhook ${told.names.webhook ?? idOf(told)} was disabled: ${WEBHOOK_BECAUSE[field(told, 'because')] ?? 'unknown'}`,
    advice: 'When its receiver works again: `licet webhook enable ID`, then `licet webhook replay-dead ID`.',
  },
  'approval.requested': {
    many: 'Requests that wait for a second person',
    line: (told) => `${field(told, 'act') || 'A dangerous act'} waits for a second person (${idOf(told)})`,
    advice: 'Look at it by `licet approval list`, then `licet approval approve ID` or `licet approval decline ID`.',
  },
};

/** All that somebody is to hear at one time, as one mail for people. */
export function noticeMail(organization: string, all: readonly Told[]): MailText {
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
  const groups = kinds.map((type) => ({ type, told: all.filter((one) => one.type === type) }));
  const parts = groups.filter(({ told }) => told.length > 0).map(({ type, told }) => part(KINDS[type], told));
  const [first] = all;
  const single = all.length === 1 && first !== undefined ? KINDS[first.type as keyof typeof KINDS] : undefined;
  const subject = single === undefined || first === undefined ? `${all.length} notices` : single.line(first);
  return { subject: `[${organization}] ${subject}`, text: `${parts.join('\n\n')}\n${footer(organization)}` };
}

function part({ many, line, advice }: Kind, told: readonly Told[]): string {
  const lines = told.slice(0, MOST_LINES).map((one) => `* ${line(one)}`);
  const more = told.length > MOST_LINES ? [`* and ${told.length - MOST_LINES} more`] : [];
  return [many, '', ...lines, ...more, '', advice].join('\n');
}

export type Invitation = {
  readonly organization: string;
  readonly name: string;
  readonly url: string;
  readonly invitation: string;
  readonly until: Date;
};

export const invitationMail = ({ organization, name, url, invitation, until }: Invitation): MailText => ({
  subject: `[${organization}] You are invited to its license server`,
  text: `Hello ${name},

you are invited to the license server of ${organization}. Set a password to
accept, until ${minute(until.toISOString())}. This is your invitation; whoever has it can
use it once, so pass it on to nobody:

${invitation}

With curl, after you have put your password between the quotes:

curl -H 'Content-Type: application/json' \\
  -d '{"invitation":"${invitation}","password":""}' \\
  ${url}/api/v1/invitations/accept

If you do not know what this is about, do nothing.
`,
});

export const testMail = (organization: string): MailText => ({
  subject: `[${organization}] Test of the license server`,
  text: `This is a test: mail from the license server arrives here.\n${footer(organization)}`,
});

const footer = (organization: string): string => `
-- \nThe license server of ${organization} sends this by itself. Who gets what: \`licet mail list\`.
`;
