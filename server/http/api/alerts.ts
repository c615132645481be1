import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { acknowledgeAlert, reportAlert, resolveAlert } from '../../licensing/alerts/alerts.ts';
import { type Alert, ALERT_KINDS, ALERT_STATUSES } from '../../licensing/model/alert.ts';
import { reading, type UseCase } from '../../licensing/use-case.ts';
import { found } from '../../licensing/entities.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { pageOf, pageQuery } from './paging.ts';
import { idFilter } from './things.ts';
import { idParams, instant } from './wire.ts';

const alertView = z
  .strictObject({
    id: z.uuid(),
    kind: z.enum(ALERT_KINDS),
    severity: z.enum(['info', 'warning', 'critical']),
    status: z.enum(ALERT_STATUSES),
    enterprise: z.uuid().optional(),
    site: z.uuid().optional(),
    details: z.record(z.string(), z.unknown()),
    count: z.int().positive().meta({ description: 'How often it was seen: the same trouble is one alert.' }),
    firstAt: instant,
    lastAt: instant,
  })
  .meta({ id: 'Alert' });

const alertJson = (it: Alert): z.output<typeof alertView> => ({
  id: it.id,
  kind: it.kind,
  severity: it.severity,
  status: it.status,
  ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
  ...(it.site !== undefined && { site: it.site }),
  details: { ...it.details },
  count: it.count,
  firstAt: it.firstAt.toISOString(),
  lastAt: it.lastAt.toISOString(),
});

const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f09',
  kind: 'license-suspicious',
  severity: 'info',
  status: 'open',
  enterprise: ids.ENTERPRISE,
  site: ids.SITE,
  details: { serial: '01f3a86c0d9be1447f52c0f6a9d3e85b17', codes: ['BINDING_MISMATCH'] },
  count: 1,
  firstAt: '2026-01-02T09:00:00.000Z',
  lastAt: '2026-01-02T09:00:00.000Z',
};

const ofEnterprise = ({ enterprise }: Alert): string => enterprise ?? '';

export const alertEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/alerts',
    operation: 'reportAlert',
    tag: 'License server',
    summary: 'Report an invalid or suspicious license',
    description: 'The same trouble is one alert until it is resolved; each further report is counted.',
    action: 'alert.report',
    body: reportAlert.input,
    status: 200,
    answer: z.strictObject({ id: z.uuid(), status: z.enum(ALERT_STATUSES), count: z.int().positive() }),
    example: {
      body: { kind: 'license-suspicious', serial: example.details.serial, codes: ['BINDING_MISMATCH'] },
      answer: { id: example.id, status: 'open', count: 1 },
    },
    repeats: () => 'by-content',
    run: ({ principal, body }, { licensing }) => reportAlert(licensing)(principal, body),
    reply: ({ id, status, count }) => ({ body: { id, status, count } }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/alerts',
    operation: 'listAlerts',
    tag: 'Signals',
    summary: 'List alerts',
    action: 'alert.read',
    query: pageQuery.omit({ order: true }).extend({
      status: z.enum(ALERT_STATUSES).optional(),
      kind: z.enum(ALERT_KINDS).optional(),
      severity: alertView.shape.severity.optional(),
      enterprise: idFilter('enterprise'),
      site: idFilter('site'),
    }),
    status: 200,
    answer: pageOf(alertView),
    example: { answer: pageExample(example) },
    run({ principal, query: { limit, ...asked } }, { licensing }) {
      const bounds = boundsOf(principal, 'alert.read');
      const isElsewhere =
        bounds.enterprise !== undefined && (asked.enterprise ?? bounds.enterprise) !== bounds.enterprise;
      if (isElsewhere) return Promise.resolve({ items: [], next: undefined });
      const where = Object.fromEntries(
        Object.entries({ ...asked, ...bounds }).filter(([, value]) => value !== undefined),
      );
      return reading(licensing, principal, (tx) => licensing.stores.alerts.list(tx, { limit, ...where }));
    },
    reply: ({ items, next }) => ({ body: { items: items.map(alertJson), ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/alerts/:id',
    operation: 'readAlert',
    tag: 'Signals',
    summary: 'Read an alert',
    action: 'alert.read',
    params: idParams,
    status: 200,
    answer: alertView,
    example: { answer: example },
    refusals: { ALERT_NOT_FOUND: 404 },
    run: ({ principal, params }, { licensing }) =>
      reading(licensing, principal, async (tx) => {
        const bounds = boundsOf(principal, 'alert.read');
        const alert = await licensing.stores.alerts.get(tx, params.id);
        return found(
          'alert',
          alert,
          bounds.enterprise === undefined ? undefined : { enterprise: bounds.enterprise },
          ofEnterprise,
        );
      }),
    reply: (it) => ({ body: alertJson(it) }),
  }),
  step('acknowledge', 'Somebody is at it.', acknowledgeAlert),
  step('resolve', 'The trouble is over; the next time it is another alert.', resolveAlert),
];

function step(
  verb: 'acknowledge' | 'resolve',
  description: string,
  useCase: UseCase<z.ZodObject<{ id: z.ZodString }>, void>,
): Endpoint {
  return endpoint({
    method: 'POST',
    path: `/api/v1/alerts/:id/${verb}`,
    operation: `${verb}Alert`,
    tag: 'Signals',
    summary: `${verb[0]?.toUpperCase()}${verb.slice(1)} an alert`,
    description,
    action: 'alert.change',
    params: idParams,
    status: 200,
    answer: z.strictObject({ id: z.uuid(), status: z.enum(ALERT_STATUSES) }),
    example: { answer: { id: example.id, status: verb === 'resolve' ? 'resolved' : 'acknowledged' } },
    refusals: { ALERT_NOT_FOUND: 404, TRANSITION_REFUSED: 409 },
    async run({ principal, params }, { licensing }) {
      await useCase(licensing)(principal, { id: params.id });
      return params.id;
    },
    reply: (id) => ({ body: { id, status: verb === 'resolve' ? 'resolved' : 'acknowledged' } }),
  });
}
