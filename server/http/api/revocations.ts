import { z } from 'zod';
import { revokeEnterprise } from '../../licensing/enterprises/enterprises.ts';
import { CALL_MS, changeManyLicenses, type Outcome } from '../../licensing/licenses/change-many.ts';
import {
  type ChangedLicense,
  reason,
  reinstateLicense,
  revokeLicense,
  suspendLicense,
} from '../../licensing/licenses/change-status.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { output } from './examples.ts';
import { APPROVAL_REFUSALS, JOURNAL_REFUSALS } from './guarded.ts';
import { enterpriseView, json, versioned } from './views.ts';
import { idParams, instant, serialParams } from './wire.ts';

const changedView = z
  .strictObject({
    serial: z.string(),
    site: z.uuid(),
    status: z.enum(['current', 'superseded', 'suspended', 'revoked']),
    since: instant.optional().meta({ description: 'From when CRL and OCSP say so.' }),
    reason: reason.optional(),
  })
  .meta({ id: 'ChangedLicense' });

const changedJson = ({ license, state }: ChangedLicense): z.output<typeof changedView> => ({
  serial: license.serial,
  site: license.site,
  status: license.status,
  ...(state.state !== 'valid' && { since: state.since.toISOString() }),
  ...(state.state === 'revoked' && { reason: state.reason }),
});

const example = {
  serial: '01f3a86c0d9be1447f52c0f6a9d3e85b17',
  site: output.site.id,
  status: 'revoked',
  since: '2026-01-02T09:00:00.000Z',
  reason: 'keyCompromise',
} as const;

const REFUSALS = {
  LICENSE_NOT_FOUND: 404,
  NOT_ISSUED: 404,
  ALREADY_REVOKED: 409,
  ...JOURNAL_REFUSALS,
} as const;

/** As outcomes are named on the wire. */
const OUTCOMES: Readonly<Record<Outcome, string>> = {
  applied: 'applied',
  unchanged: 'unchanged',
  ALREADY_REVOKED: 'alreadyRevoked',
  NOT_HELD: 'notHeld',
  NOT_ISSUED: 'notIssued',
  SITE_SUSPENDED: 'siteSuspended',
};

const manyView = z
  .strictObject({
    total: z.int(),
    done: z.int().meta({ description: 'When it is less than `total`, send the same again.' }),
    outcomes: z
      .strictObject({
        applied: z.int(),
        unchanged: z.int(),
        alreadyRevoked: z.int(),
        notHeld: z.int(),
        notIssued: z.int(),
        siteSuspended: z.int().meta({ description: 'Not reinstated: that is done with their sites.' }),
      })
      .meta({ description: 'Of those that are done; of a dry run, of all.' }),
    finishedAt: instant.optional().meta({
      description: 'When this order was done, where it was before this call: nothing was changed now. Name a new one.',
    }),
    refused: z
      .array(
        z.strictObject({
          serial: z.string(),
          code: z.enum(['ALREADY_REVOKED', 'NOT_HELD', 'NOT_ISSUED', 'SITE_SUSPENDED']),
        }),
      )
      .meta({ description: 'Of a dry run, the first hundred that would be refused.' }),
  })
  .meta({ id: 'ManyChanged' });

/** The list as JSON: a hundred thousand serials of 34 digits. */
const MOST_BYTES = 6 * 1024 * 1024;
/** The batches of one call, and as long again twice to look 100,000 serials up. Proxies wait a minute, `licet` 30 s. */
const MANY_MS = 3 * CALL_MS;

export const revocationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/licenses/:serial/revoke',
    operation: 'revokeLicense',
    tag: 'Sites',
    summary: 'Revoke a license, for good',
    description:
      'In the journal of the signer, in the database and in the audit log before it is answered; OCSP says so at once, the CRL within seconds. The same again succeeds and changes nothing. It is about this one license: to end a site, retire it.',
    action: 'license.revoke',
    params: serialParams,
    body: revokeLicense.input.omit({ serial: true }),
    repeats: () => 'by-content',
    status: 200,
    answer: changedView,
    example: { params: { serial: example.serial }, body: { reason: 'keyCompromise' }, answer: example },
    refusals: REFUSALS,
    run: ({ principal, params, body }, { licensing }) => revokeLicense(licensing)(principal, { ...params, ...body }),
    reply: (it) => ({ body: changedJson(it) }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/licenses/:serial/suspend',
    operation: 'suspendLicense',
    tag: 'Sites',
    summary: 'Suspend a license, until it is reinstated',
    description: 'CRL and OCSP say `certificateHold`; it is not renewed meanwhile.',
    action: 'license.suspend',
    params: serialParams,
    repeats: () => 'by-content',
    status: 200,
    answer: changedView,
    example: {
      params: { serial: example.serial },
      answer: { serial: example.serial, site: example.site, status: 'suspended', since: example.since },
    },
    refusals: REFUSALS,
    run: ({ principal, params }, { licensing }) => suspendLicense(licensing)(principal, params),
    reply: (it) => ({ body: changedJson(it) }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/licenses/:serial/reinstate',
    operation: 'reinstateLicense',
    tag: 'Sites',
    summary: 'Undo the suspension of a license',
    action: 'license.reinstate',
    params: serialParams,
    repeats: () => 'by-content',
    status: 200,
    answer: changedView,
    example: {
      params: { serial: example.serial },
      answer: { serial: example.serial, site: example.site, status: 'current' },
    },
    refusals: { ...REFUSALS, NOT_HELD: 409, SITE_SUSPENDED: 409 },
    run: ({ principal, params }, { licensing }) => reinstateLicense(licensing)(principal, params),
    reply: (it) => ({ body: changedJson(it) }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/license-changes',
    operation: 'changeManyLicenses',
    tag: 'Sites',
    summary: 'Revoke, suspend or reinstate the licenses of a list',
    description:
      'A dry run unless it says otherwise. Works for some seconds and says how far it came; the same call again carries on, also after a crash. What single licenses are refused for is counted and does not stop the others.',
    action: 'license.change-many',
    isLight: true,
    body: changeManyLicenses.input,
    bodyBytes: MOST_BYTES,
    answerMs: MANY_MS,
    status: 200,
    answer: manyView,
    example: {
      body: {
        order: 'recall-2026-07',
        change: 'revoke',
        reason: 'superseded',
        serials: [example.serial],
        dryRun: false,
      },
      answer: {
        total: 1,
        done: 1,
        outcomes: { applied: 1, unchanged: 0, alreadyRevoked: 0, notHeld: 0, notIssued: 0, siteSuspended: 0 },
        refused: [],
      },
    },
    refusals: {
      REASON_MISPLACED: 400,
      ORDER_MISMATCH: 409,
      ORDER_STALE: 409,
      ...JOURNAL_REFUSALS,
      ...APPROVAL_REFUSALS,
    },
    run: ({ principal, body }, { licensing }) => changeManyLicenses(licensing)(principal, body),
    reply: ({ progress: { total, done, outcomes }, finishedAt, refused }) => ({
      body: {
        total,
        done,
        ...(finishedAt !== undefined && { finishedAt: finishedAt.toISOString() }),
        outcomes: Object.fromEntries(
          Object.entries(outcomes).map(([name, count]) => [OUTCOMES[name as Outcome], count]),
        ) as z.output<typeof manyView>['outcomes'],
        refused: refused.map(({ serial, code }) => ({ serial, code: code as 'NOT_ISSUED' })),
      },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/enterprises/:id/revoke',
    operation: 'revokeEnterprise',
    tag: 'Customers',
    summary: 'Close an enterprise and revoke everything below it, for this reason',
    description:
      'For good. Its CA certificates are revoked when it is answered, which ends every license below them for whoever checks the chain; then each license follows by itself, also after a crash.',
    action: 'enterprise.revoke',
    params: idParams,
    body: z.strictObject({ reason }),
    changesVersion: true,
    status: 200,
    answer: enterpriseView,
    example: { body: { reason: 'keyCompromise' }, answer: { ...output.enterprise, status: 'closed' } },
    refusals: {
      ENTERPRISE_NOT_FOUND: 404,
      TRANSITION_REFUSED: 409,
      ...JOURNAL_REFUSALS,
      ...APPROVAL_REFUSALS,
    },
    run: ({ principal, params, body, version }, { licensing }) =>
      revokeEnterprise(licensing)(principal, { id: params.id, version, ...body }),
    reply: versioned(json.enterprise),
  }),
];
