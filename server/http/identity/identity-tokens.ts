import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { LicetError } from '../../licensing/errors.ts';
import type { Expected, IdentityTokens, VerifiedToken } from '../../licensing/identity/ports.ts';
import type { Clock } from '../../licensing/ports/clock.ts';
import type { KeySets } from './key-sets.ts';

/** Never chosen by the token, and none with a shared key. Each public key fits only its own kind of these. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Headers by which a token would bring its own key, or want something understood that is not. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'];
const TOLERANCE_SECONDS = 60;
/** A token is made for the moment: GitHub's live 5 minutes, others an hour. */
const OLDEST_SECONDS = 3600;
const LONGEST_ID = 256;

/** Identity tokens as OpenID Connect Core §3.1.3.7 and RFC 8725 want them judged, and stricter. */
export function createIdentityTokens({ keySets, clock }: { keySets: KeySets; clock: Clock }): IdentityTokens {
  return {
    issuerOf(token) {
      const claims = read(() => decodeJwt(token));
      checkHeader(token);
      // What is stored, and looked for, by what a stranger says: PostgreSQL has no place for it in a text. Looked for in the
      // text, where it has this one form (RFC 8259 §7): to walk through claims that are nested deeply enough ends the stack.
      if (Buffer.from(token.split('.')[1] ?? '', 'base64url').includes('\\u0000')) {
        throw refusal('IDENTITY_MALFORMED', 'The token holds the character NUL, which no claim can.');
      }
      const { iss } = claims;
      if (typeof iss === 'string') return iss;
      throw refusal('IDENTITY_MALFORMED', 'The token does not say who issued it.');
    },

    async verify(token, expected) {
      checkHeader(token);
      const payload = await verified(token, expected, keySets, clock);
      return { claims: payload, ...timesOf(payload, clock.now().getTime() / 1000) };
    },
  };
}

async function verified(token: string, expected: Expected, keySets: KeySets, clock: Clock): Promise<JWTPayload> {
  const { issuer, audiences, keys, mayList } = expected;
  try {
    const { payload } = await jwtVerify(token, keySets.finder({ issuer, keys }), {
      algorithms: ALGORITHMS,
      issuer,
      audience: [...audiences],
      requiredClaims: ['exp', 'iat', 'jti'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: clock.now(),
    });
    // RFC 7519 §4.1.3 allows a list; a token for us and for somebody else can be shown to us by somebody else.
    const { aud } = payload;
    if (typeof aud === 'string') return payload;
    const [only, ...others] = aud ?? [];
    if (mayList && only !== undefined && others.length === 0) return { ...payload, aud: only };
    throw refusal('IDENTITY_AUDIENCE', 'The token is for a list of audiences; have it made for this server alone.');
  } catch (error) {
    throw explained(error);
  }
}

/** `iat` and `exp` are there and are numbers: jose has seen to that. */
function timesOf({ iat = 0, exp = 0, jti = '' }: JWTPayload, now: number): Omit<VerifiedToken, 'claims'> {
  if (iat > now + TOLERANCE_SECONDS) throw refusal('IDENTITY_NOT_YET', 'The token is from the future; set the clock.');
  if (now - iat > OLDEST_SECONDS + TOLERANCE_SECONDS) {
    throw refusal('IDENTITY_EXPIRED', 'The token was made more than an hour ago; have the issuer make a new one.');
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_ID) {
    throw refusal('IDENTITY_MALFORMED', 'The token has no usable jti, by which its one use is known.');
  }
  return { id: jti, expiresAt: new Date((Math.min(exp, now + 86_400) + TOLERANCE_SECONDS) * 1000) };
}

function checkHeader(token: string): void {
  const header = read(() => decodeProtectedHeader(token)) as Record<string, unknown>;
  const forbidden = FORBIDDEN_HEADERS.find((name) => name in header);
  if (forbidden !== undefined) {
    throw refusal('IDENTITY_MALFORMED', `The header of the token holds "${forbidden}", which is not accepted.`);
  }
}

function read<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw refusal('IDENTITY_MALFORMED', 'This is no identity token; send a signed JWT.', cause);
  }
}

/** jose's errors by their codes, in our words. */
function explained(error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error;
  if (error instanceof errors.JWTExpired) {
    return refusal('IDENTITY_EXPIRED', 'The token has expired; have the issuer make a new one.', error);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return refusal('IDENTITY_AUDIENCE', 'The token is for another audience.', error);
    if (error.claim === 'nbf') return refusal('IDENTITY_NOT_YET', 'The token is not valid yet; set the clock.', error);
    return refusal('IDENTITY_CLAIM', `The token says nothing usable as "${error.claim}".`, error);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refusal('IDENTITY_KEY_UNKNOWN', 'The issuer has no such key.', error);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return refusal('IDENTITY_ALGORITHM', 'The token is signed by an algorithm that is not accepted.', error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refusal('IDENTITY_SIGNATURE', 'The signature of the token is wrong.', error);
  }
  return refusal('IDENTITY_MALFORMED', 'The token is malformed, or no key of the issuer fits it.', error);
}

const refusal = (code: string, message: string, cause?: unknown): LicetError =>
  new LicetError('forbidden', code, message, cause === undefined ? {} : { cause });
