/**
 * Everything that is told, in one place: an event whose type is not here does not compile, and `docs/notices.md` prints
 * this table. What stands in an event are identifiers, numbers and codes: never a name, an address or a secret.
 */
export const EVENTS = {
  'license.issued': 'A site has got a license: its first, that of a build, or another one beside a suspected clone.',
  'license.renewed': 'A license has taken the place of its predecessor.',
  'license.reissued': 'A change of the site or its contract has given it a license with other rights.',
  'license.expiring': 'A current license has passed 3/4, 7/8 or 19/20 of its life (`life`) and was not renewed.',
  'license.expired': 'A current license has reached its end and was not renewed.',
  'license.suspended': 'A license is on hold.',
  'license.reinstated': 'A license that was on hold counts again.',
  'license.revoked': 'A license is revoked, for the `reason` of RFC 5280 5.3.1.',

  'site.created': 'There is a new site.',
  'site.changed': 'Labels, contract or shares of a site were changed.',
  'site.mode-changed': 'A site has another mode; its new license follows as `license.reissued`.',
  'site.suspended': 'A site is suspended; its licenses follow as `license.suspended`.',
  'site.reinstated': 'A suspended site is active again.',
  'site.retired': 'A site is retired for good; its licenses follow as `license.revoked`.',
  'site.installed-anew': 'A site was enrolled again and has begun a new lineage.',
  'site.clone-suspected': 'Two machines have shown the same license.',
  'site.fork-resolved': 'An operator has said which of two machines is the site.',
  'site.report-overdue': 'A usage report that the contract demands did not come in time.',

  'limit.exceeded': 'More is in use (`used`) than is licensed (`max`); told once a quarter for each site and limit.',
  'usage.reported': 'A usage report was accepted.',

  'contract.created': 'There is a new contract, as a draft.',
  'contract.changed': 'A contract was changed; `raises` and `lowers` say in which direction.',
  'contract.delegated': 'The enterprise keeps the CA of a contract itself: its certificate was asked for.',
  'contract.undelegated': 'The CA that an enterprise keeps for a contract is revoked, for the `reason`.',
  'contract.superseded': 'A CA certificate for a contract is superseded; one that says what the contract says follows.',
  'contract.activated': 'A contract is in force: its sites get licenses.',
  'contract.suspended': 'A contract is suspended: nothing below it is issued or renewed.',
  'contract.reinstated': 'A suspended contract is in force again.',
  'contract.ended': 'A contract was ended.',
  'contract.ending': 'A contract ends within 90, 60, 30, 14, 7 days or one day (`days`).',

  'enterprise.created': 'There is a new enterprise.',
  'enterprise.changed': 'Name or labels of an enterprise were changed.',
  'enterprise.suspended': 'An enterprise is suspended: nothing below it is issued or renewed.',
  'enterprise.held':
    'An enterprise is suspended at once: its CA certificates are on hold, and with them all its sites.',
  'enterprise.reinstated': 'A suspended enterprise is active again.',
  'enterprise.closed':
    'An enterprise is closed for good: its contracts, sites and licenses end with it and tell nothing of their own.',
  'enterprise.erased': 'Names, addresses and labels of a closed enterprise are gone; its numbers stay.',

  'product.created': 'There is a new product.',
  'product.changed': 'A product or its catalog was changed.',
  'product.retired': 'A product is not sold any more.',
  'plan.created': 'There is a new plan.',
  'plan.changed': 'A plan was changed.',
  'plan.retired': 'A plan is not sold any more.',
  'organization.created': 'The organization was founded.',
  'organization.changed': 'Name or settings of the organization were changed.',
  'organization.suspended': 'The organization is suspended: nothing below it is issued or renewed.',
  'organization.reinstated': 'The suspended organization is active again.',

  'token.created': 'An enrolment token was made.',
  'token.used': 'An enrolment token was used.',
  'token.withdrawn': 'An enrolment token was withdrawn.',
  'trust-rule.created': 'Identity tokens of an issuer are exchanged for licenses from now on.',
  'trust-rule.switched-off': 'A trust rule does not count any more.',
  'trust-rule.switched-on': 'A trust rule counts again.',
  'renewal-incident.declared': 'Sites were told to renew early.',
  'renewal-incident.lifted': 'Sites renew at their own time again.',
  'enrolment.asked': 'Somebody has shown an enrolment token that wants the agreement of a person.',
  'enrolment.approved': 'A person has agreed to an enrolment.',
  'enrolment.declined': 'A person has not agreed to an enrolment.',

  'alert.opened': 'Somebody has to look at something; `kind` says at what.',
  'alert.acknowledged': 'Somebody is at it.',
  'alert.resolved': 'The trouble is over.',

  'webhook.created': 'There is a new webhook.',
  'webhook.changed': 'A webhook was changed.',
  'webhook.rotated': 'A webhook has a new secret.',
  'webhook.enabled': 'A webhook is delivered to again.',
  'webhook.disabled': 'A webhook is not delivered to any more: by a `person`, because it is `gone`, or `failing`.',
  'webhook.replayed': 'What was given up, or had arrived, is delivered again.',
  'webhook.discarded': 'A dead letter was thrown away.',
  'webhook.removed': 'A webhook is gone, with what was to be delivered to it.',
  'mail-recipient.created': 'Somebody gets mail from now on.',
  'mail-recipient.changed': 'Somebody gets other mail.',
  'mail-recipient.removed': 'Somebody gets no mail any more.',

  'approval.requested': 'A dangerous act waits for a second person.',
  'approval.approved': 'A second person has agreed.',
  'approval.declined': 'A second person has not agreed.',
  'session.stolen': 'A refresh token came a second time; its session is closed.',

  'certificate.issued': 'A certificate that is no license was issued: of a CA, of a service.',
  'certificate.suspended': 'A certificate is on hold in CRL and OCSP.',
  'certificate.reinstated': 'A certificate is not on hold any more.',
  'certificate.revoked': 'A certificate is revoked in CRL and OCSP.',
  'certificate.reconciled': 'A certificate that the database had lost was entered again from the journal.',
} as const;

export type EventType = keyof typeof EVENTS;

/** What a receiver may ask for: one type, all about one kind of thing (`license.*`), or all (`*`). */
export const EVENT_PATTERNS: readonly string[] = [
  '*',
  ...new Set(Object.keys(EVENTS).map((type) => `${type.split('.')[0]}.*`)),
  ...Object.keys(EVENTS),
];
