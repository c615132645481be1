import { ACTIONS, changesLicensing } from '../../licensing/access/actions.ts';
import { ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, isOpen } from '../api/endpoint.ts';

const PASSING_CODES = [
  'DATABASE_UNREACHABLE',
  'DATABASE_TIMEOUT',
  'DATABASE_BUSY',
  'DATABASE_CONTENDED',
  'DATABASE_READ_ONLY',
  'DATABASE_FULL',
  'OUTCOME_UNKNOWN',
  'ANSWER_LATE',
];

/** Of what a site may ask: it is known by its license, over TLS or by a signature. */
const LICENSE_CODES = [
  'LICENSE_EXPIRED',
  'LICENSE_NOT_VALID',
  'LICENSE_REVOKED',
  'LICENSE_SUSPENDED',
  'LICENSE_UNKNOWN',
  'PROOF_STALE',
  'PROOF_USED',
  'PROOF_WRONG',
  'SITE_NOT_ACTIVE',
];

/** Every code that an endpoint can refuse with, by status: what it says itself, and what follows from its shape. */
export function refusalsOf(endpoint: Endpoint): ReadonlyMap<number, readonly string[]> {
  const { action, body, changesVersion, method, params, query, refusals = {} } = endpoint;
  const codes = new Map<number, Set<string>>();
  const add = (status: number, ...more: readonly string[]) => {
    const all = codes.get(status) ?? new Set();
    for (const code of more) all.add(code);
    codes.set(status, all);
  };
  add(400, 'INPUT_INVALID');
  if (params) add(400, 'PATH_MALFORMED');
  if (query) add(400, 'CURSOR_INVALID');
  if (body) {
    add(400, 'DIGEST_MISMATCH', 'JSON_MALFORMED', 'JSON_REFUSED');
    add(413, 'BODY_TOO_LARGE');
    add(415, 'TYPE_UNSUPPORTED', 'ENCODING_UNSUPPORTED', 'CHARSET_UNSUPPORTED');
  }
  add(429, 'TOO_MANY_REQUESTS');
  add(503, 'LIMITER_UNAVAILABLE');
  add(503, ...PASSING_CODES);
  if (!isOpen(action)) {
    add(401, 'NOT_AUTHENTICATED');
    add(403, 'NOT_ALLOWED');
    if (ACTIONS[action].may[ROLES.indexOf('site')] !== 'none') {
      add(400, 'PROOF_MALFORMED', 'FORWARDED_CERTIFICATE_MALFORMED');
      add(403, ...LICENSE_CODES, 'FORWARDER_NOT_TRUSTED');
    }
    add(429, 'MONTHLY_REQUESTS_USED');
    if (changesLicensing(action)) add(503, 'FENCED');
  }
  add(404, params ? 'NOT_FOUND' : 'ROUTE_NOT_FOUND');
  add(406, 'NOT_ACCEPTABLE');
  if (params || query) {
    add(414, 'URL_TOO_LONG');
    add(431, 'HEADERS_TOO_LARGE');
  }
  if (changesVersion === true) {
    add(412, 'VERSION_STALE');
    add(428, 'VERSION_REQUIRED');
  }
  if (endpoint.repeats === undefined) {
    if (method === 'POST') add(400, 'IDEMPOTENCY_KEY_REFUSED');
  } else {
    add(400, 'IDEMPOTENCY_KEY_INVALID');
    add(409, 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_IN_FLIGHT', 'IDEMPOTENCY_CLAIM_LOST');
  }
  for (const [code, status] of Object.entries(refusals)) add(status, code);
  return new Map([...codes].sort(([a], [b]) => a - b).map(([status, all]) => [status, [...all].sort()]));
}
