import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import type { VerdictTokens } from '../../licensing/ports/verdict-tokens.ts';
import { validateLicense } from '../../licensing/licenses/validate.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { licensePem } from './pem.ts';
import { type Verdict, verdictJson, verdictView } from './verdict.ts';

const jwks = z.strictObject({ keys: z.array(z.record(z.string(), z.string())) });

const verdictExample = {
  usable: true,
  state: 'valid',
  codes: [{ code: 'VALID', severity: 'info', conclusive: true, detail: 'Everything that was asked for holds.' }],
  mode: 'production',
  watermark: false,
  expiresAt: '2026-02-01T09:00:00.000Z',
  nextCheckAt: '2026-01-03T09:00:00.000Z',
  evidence: { kind: 'issue', age: 3600 },
};

const [byLicense, bySerial, bySite] = validateLicense.input.options;

type Attested = { readonly verdict: z.output<typeof verdictView>; readonly token: string };

async function attest(given: Verdict, organization: string, now: Date, tokens: VerdictTokens): Promise<Attested> {
  const verdict = verdictJson(given);
  const issuedAt = Math.floor(now.getTime() / 1000);
  const token = await tokens.sign(organization, {
    iss: `urn:licet:organization:${organization}`,
    ...(verdict.holder && { sub: verdict.holder.uri }),
    iat: issuedAt,
    // A verdict that must be asked for anew at once is a token that nobody can keep.
    exp: Math.max(issuedAt + 1, Math.floor(Date.parse(verdict.nextCheckAt) / 1000)),
    verdict,
  });
  return { verdict, token };
}

const known = new WeakMap<Verdict, Promise<Attested>>();

/** A verdict that was given to several who asked in the same second is signed once. */
function attested(verdict: Verdict, make: () => Promise<Attested>): Promise<Attested> {
  const before = known.get(verdict);
  if (before !== undefined) return before;
  const made = make();
  known.set(verdict, made);
  // What could not be signed is signed for the next who asks.
  made.catch(() => known.delete(verdict));
  return made;
}

export const validateEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/keys/validate',
    operation: 'validateKey',
    tag: 'License server',
    summary: 'The verdict on a license',
    description:
      'By the license itself, its serial, or its site. The token says the same, signed (JWT, ES256, type `licet-verdict+jwt`), for the application to keep until `nextCheckAt`; its keys are at `/.well-known/jwks.json`. A license that is not usable is an answer and no error.',
    action: 'license.validate',
    isLight: true,
    body: z.union([byLicense.extend({ license: licensePem }), bySerial, bySite]),
    status: 200,
    answer: z.strictObject({
      verdict: verdictView,
      token: z.string().meta({ description: 'A JWT that holds the verdict until `nextCheckAt`.' }),
    }),
    example: {
      body: { serial: '01f3a86c0d9be1447f52c0f6a9d3e85b17', product: 'press', require: { features: ['press/remote'] } },
      answer: { verdict: verdictExample, token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl' },
    },
    refusals: {
      LICENSE_NOT_FOUND: 404,
      SITE_NOT_FOUND: 404,
      SITE_UNLICENSED: 409,
      SIGNER_UNAVAILABLE: 503,
      JOURNAL_FULL: 503,
      BUSY: 503,
    },
    async run({ principal, body }, { validate, tokens, licensing }) {
      boundsOf(principal, 'license.validate');
      const verdict = await validate(principal, body);
      return attested(verdict, () => attest(verdict, principal.organization, licensing.clock.now(), tokens));
    },
    reply: (body) => ({ body }),
  }),
  endpoint({
    method: 'GET',
    path: '/.well-known/jwks.json',
    operation: 'readTokenKeys',
    tag: 'License server',
    summary: 'The keys by which verdict tokens are verified',
    action: 'anyone',
    status: 200,
    answer: jwks,
    example: {
      answer: {
        keys: [{ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2', y: 'x_FEzRu9', kid: 'k1', alg: 'ES256', use: 'sig' }],
      },
    },
    refusals: { SIGNER_UNAVAILABLE: 503 },
    run: (_, { tokens }) => tokens.keys(),
    reply: (keys) => ({ body: { keys: keys.map((key) => ({ ...key })) } }),
  }),
];
