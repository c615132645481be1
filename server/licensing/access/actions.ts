import type { Role } from '../model/principal.ts';

/** How far a role reaches with an action: everywhere in its organization, its own enterprise or site, or nowhere. */
export type Reach = 'all' | 'enterprise' | 'site' | 'none';

/** One reach for each of ROLES, in that order. */
export type Row = readonly [Reach, Reach, Reach, Reach, Reach, Reach, Reach, Reach];

const ALL = 'all';
const ENT = 'enterprise';
const SIT = 'site';
const NO = 'none';

/**
 * Who may do what: the only place. What is not said here is refused. `docs/authorization.md` is made from it
 * (`npm run docs:authorization`). A row reads: owner, admin, operator, billing, auditor, enterprise-admin, application,
 * site.
 */
export const ACTIONS = {
  'organization.read': { does: 'Read the organization and its settings', may: [ALL, ALL, ALL, ALL, ALL, NO, NO, NO] },
  'organization.change': { does: 'Change the name and the settings', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },
  'organization.relax': { does: 'Switch the second person off', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },

  'product.read': { does: 'Read products and catalogs', may: [ALL, ALL, ALL, ALL, ALL, ALL, ALL, NO] },
  'product.create': { does: 'Create a product', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'product.change': { does: 'Change a product or its catalog', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'product.retire': { does: 'Retire a product', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },

  'plan.read': { does: 'Read plans', may: [ALL, ALL, ALL, ALL, ALL, NO, NO, NO] },
  'plan.create': { does: 'Create a plan', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'plan.change': { does: 'Change a plan', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'plan.retire': { does: 'Retire a plan', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },

  'enterprise.read': { does: 'Read enterprises', may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, NO] },
  'enterprise.create': { does: 'Create an enterprise', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'enterprise.change': { does: 'Change name and labels of an enterprise', may: [ALL, ALL, NO, ALL, NO, ENT, NO, NO] },
  'enterprise.suspend': { does: 'Suspend an enterprise', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'enterprise.hold': {
    does: 'Put the CA of an enterprise on hold, and with it all its sites',
    may: [ALL, ALL, NO, NO, NO, NO, NO, NO],
  },
  'enterprise.reinstate': { does: 'Reinstate an enterprise', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'enterprise.close': { does: 'Close an enterprise', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'enterprise.revoke': { does: 'Revoke the CA of an enterprise', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'enterprise.export': { does: 'Export the data of an enterprise', may: [ALL, ALL, NO, NO, ALL, ENT, NO, NO] },
  'enterprise.erase': { does: 'Erase the personal data of an enterprise', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },

  'contract.read': { does: 'Read contracts', may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, NO] },
  'contract.preview': {
    does: 'See what a site would get, and why not more',
    may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, NO],
  },
  'contract.create': { does: 'Create a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'contract.change': { does: 'Change a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'contract.raise': { does: 'Raise a contract above its plan', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'contract.activate': { does: 'Activate a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'contract.suspend': { does: 'Suspend a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'contract.reinstate': { does: 'Reinstate a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },
  'contract.end': { does: 'End a contract', may: [ALL, ALL, NO, ALL, NO, NO, NO, NO] },

  'site.read': { does: 'Read sites', may: [ALL, ALL, ALL, ALL, ALL, ENT, ALL, SIT] },
  'site.create': { does: 'Create a site', may: [ALL, ALL, ALL, NO, NO, ENT, ALL, NO] },
  'site.change': { does: 'Change mode, labels or contract of a site', may: [ALL, ALL, ALL, NO, NO, ENT, NO, NO] },
  'site.suspend': { does: 'Suspend a site', may: [ALL, ALL, ALL, NO, NO, ENT, NO, NO] },
  'site.reinstate': { does: 'Reinstate a site', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'site.retire': { does: 'Retire a site', may: [ALL, ALL, ALL, NO, NO, ENT, NO, NO] },

  'license.read': { does: 'Read licenses and lineages', may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, SIT] },
  'license.issue': { does: 'Issue the first license of a site', may: [ALL, ALL, ALL, NO, NO, ENT, ALL, NO] },
  'license.renew': { does: 'Renew a license', may: [ALL, ALL, ALL, NO, NO, NO, ALL, SIT] },
  'license.validate': { does: 'Ask for the verdict on a license', may: [ALL, ALL, ALL, ALL, ALL, ENT, ALL, SIT] },
  'license.suspend': { does: 'Suspend a license', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'license.reinstate': { does: 'Reinstate a license', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'license.revoke': { does: 'Revoke a license', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'license.change-many': {
    does: 'Revoke, suspend or reinstate the licenses of a list',
    may: [ALL, ALL, NO, NO, NO, NO, NO, NO],
  },

  'enrolment.read': { does: 'Read enrolment tokens (never their secrets)', may: [ALL, ALL, ALL, NO, ALL, ENT, NO, NO] },
  'enrolment.create': { does: 'Make an enrolment kit with its token', may: [ALL, ALL, ALL, NO, NO, ENT, ALL, NO] },
  'enrolment.withdraw': { does: 'Withdraw an enrolment token', may: [ALL, ALL, ALL, NO, NO, ENT, NO, NO] },
  'enrolment.decide': {
    does: 'Approve or decline an enrolment that waits for it',
    may: [ALL, ALL, ALL, NO, NO, NO, NO, NO],
  },
  'fork.read': { does: 'Read which sites are forked', may: [ALL, ALL, ALL, NO, ALL, ENT, NO, NO] },
  'fork.resolve': { does: 'Say which of two machines is the site', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'incident.read': { does: 'Read renewal incidents', may: [ALL, ALL, ALL, NO, ALL, NO, NO, NO] },
  'incident.declare': { does: 'Have licenses renewed now, or lift that', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },

  'statistics.read': { does: 'Read the statistics', may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, SIT] },
  'statistics.report': { does: 'Report usage', may: [ALL, ALL, NO, NO, NO, NO, ALL, SIT] },

  'alert.read': { does: 'Read alerts', may: [ALL, ALL, ALL, ALL, ALL, ENT, NO, NO] },
  'alert.report': { does: 'Report an invalid or suspicious license', may: [ALL, ALL, ALL, NO, NO, NO, ALL, SIT] },
  'alert.change': { does: 'Acknowledge or resolve an alert', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },

  'webhook.read': { does: 'Read webhooks and their dead letters', may: [ALL, ALL, ALL, NO, ALL, NO, NO, NO] },
  'webhook.change': { does: 'Create, change or delete a webhook', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'webhook.replay': { does: 'Deliver dead letters again, or give them up', may: [ALL, ALL, ALL, NO, NO, NO, NO, NO] },
  'mail-recipient.read': { does: 'Read who is told by mail', may: [ALL, ALL, ALL, NO, ALL, NO, NO, NO] },
  'mail-recipient.change': {
    does: 'Add, change or remove a mail recipient',
    may: [ALL, ALL, NO, NO, NO, NO, NO, NO],
  },

  'audit.read': { does: 'Read the audit log', may: [ALL, ALL, NO, NO, ALL, NO, NO, NO] },
  'data.import': { does: 'Import in bulk', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'data.export': { does: 'Export in bulk', may: [ALL, ALL, NO, ALL, ALL, NO, NO, NO] },

  'authority.create': { does: 'Create a CA', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },
  'authority.revoke': { does: 'Revoke a CA', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },

  'token.read': { does: 'Read API tokens (never their secrets)', may: [ALL, ALL, NO, NO, ALL, NO, NO, NO] },
  'token.create': { does: 'Create an API token', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'token.revoke': { does: 'Revoke an API token', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'person.read': { does: 'Read the people of the organization', may: [ALL, ALL, NO, NO, ALL, NO, NO, NO] },
  'person.invite': { does: 'Invite a person, or let one set a new password', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'person.change': { does: 'Change the roles of a person, or disable one', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'person.empower': {
    does: 'Make somebody owner or admin, by account or by token',
    may: [ALL, NO, NO, NO, NO, NO, NO, NO],
  },
  'person.export': { does: 'Export what is kept about a person', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'person.erase': { does: 'Erase a person', may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'provider.read': { does: 'Read the OpenID Connect providers', may: [ALL, ALL, NO, NO, ALL, NO, NO, NO] },
  'provider.change': { does: 'Add, change or remove a provider', may: [ALL, NO, NO, NO, NO, NO, NO, NO] },
  'approval.read': { does: 'Read what waits for a second person', may: [ALL, ALL, NO, NO, ALL, NO, NO, NO] },
  'approval.decide': { does: "Approve or decline another person's request", may: [ALL, ALL, NO, NO, NO, NO, NO, NO] },
  'self.read': { does: 'Read who one is and what one may do', may: [ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL] },
  'self.change': {
    does: 'Change own password and second factor, sign out',
    may: [ALL, ALL, ALL, ALL, ALL, ALL, NO, NO],
  },
} as const satisfies Record<string, { readonly does: string; readonly may: Row }>;

export type Action = keyof typeof ACTIONS;

/** Acts that wait for a second person when the organization says so. */
export const DANGEROUS = [
  'organization.relax',
  'enterprise.hold',
  'enterprise.revoke',
  'license.change-many',
  'enterprise.erase',
  'contract.raise',
  'authority.create',
  'authority.revoke',
  'person.empower',
  'provider.change',
] as const satisfies readonly Action[];
export type DangerousAction = (typeof DANGEROUS)[number];

/**
 * Kinds of things that belong to the organization as a whole, and may tell of all its enterprises: who is limited to one
 * of these has no right to such things, whatever the role.
 */
const KINDS_OF_ORGANIZATION = ['plan', 'incident', 'audit', 'authority', 'provider', 'approval'];

/** The same of rights to what else is about all enterprises, or decides what one of them may have. */
const MORE_OF_ORGANIZATION: readonly Action[] = [
  'organization.relax',
  'product.create',
  'product.change',
  'product.retire',
  'enterprise.create',
  'enterprise.suspend',
  'enterprise.hold',
  'enterprise.reinstate',
  'enterprise.close',
  'enterprise.revoke',
  'contract.create',
  'contract.change',
  'contract.raise',
  'contract.activate',
  'contract.suspend',
  'contract.reinstate',
  'contract.end',
  'license.change-many',
  'webhook.change',
  'webhook.replay',
  'mail-recipient.change',
];

export const isOfOrganization = (action: Action): boolean =>
  KINDS_OF_ORGANIZATION.includes(action.split('.')[0] ?? '') || MORE_OF_ORGANIZATION.includes(action);

export const isAction = (text: string): text is Action => Object.hasOwn(ACTIONS, text);

/** What nobody but an owner or an admin may hand out. */
export const POWERFUL: readonly Role[] = ['owner', 'admin'];

const READING: readonly string[] = ['read', 'preview', 'validate', 'export'];
/** Who may ask is decided at any time, also by two: a token may have been stolen. */
const ABOUT_ACCESS: readonly string[] = ['self', 'token', 'person', 'approval'];

/** What writes into the database that licenses hang on, and so not into one that has forgotten some of them. */
export function changesLicensing(action: Action): boolean {
  const [kind = '', verb = ''] = action.split('.');
  return !READING.includes(verb) && !ABOUT_ACCESS.includes(kind);
}

/**
 * What a paid product lives by. When requests cannot be counted these go through; everything else waits until they can,
 * sign-ins above all.
 */
export const ESSENTIAL: readonly Action[] = ['license.renew', 'license.validate', 'statistics.report', 'alert.report'];

/** What a plan's requests per month do not count: whoever has asked too often for something else keeps its licenses. */
export const UNMETERED: readonly Action[] = ['license.renew'];
