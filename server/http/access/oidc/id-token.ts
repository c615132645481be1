import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { ExternalIdentity } from '../../../licensing/access/external-ports.ts';

export type Expectation = {
  readonly issuer: string;
  readonly clientId: string;
  readonly algorithms: readonly string[];
  readonly nonce: string;
  readonly at: Date;
  readonly keys: JWTVerifyGetKey;
};

/** What is wrong with an ID token: for the log. Whoever sent it hears only that it is not good. */
export class IdTokenRefused extends Error {
  override readonly name = 'IdTokenRefused';
}

const TOLERANCE_SECONDS = 60;
const OLDEST_SECONDS = 600;
const LONGEST = 16_384;
/** OpenID Connect Core §2. */
const LONGEST_SUBJECT = 255;
/** By which a token would bring its own key, or want something understood that is not. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64'];

/** OpenID Connect Core §3.1.3.7 and RFC 8725, and stricter: one audience, one list of algorithms, no keys from the token. */
export async function verifyIdToken(token: string, expected: Expectation): Promise<ExternalIdentity> {
  if (token.length > LONGEST) throw new IdTokenRefused('The token is too long.');
  const payload = await verified(token, expected);
  const { aud, azp, sub, nonce, iat = 0, email, email_verified: isVerified } = payload;
  // A token for us and for another could have been given to us by that other.
  if (aud !== expected.clientId) throw new IdTokenRefused('The audience is not this client alone.');
  if (azp !== undefined && azp !== expected.clientId) throw new IdTokenRefused('The token was made for another party.');
  if (nonce !== expected.nonce) throw new IdTokenRefused('The nonce is not the one of this sign-in.');
  const age = expected.at.getTime() / 1000 - iat;
  if (age > OLDEST_SECONDS + TOLERANCE_SECONDS || age < -TOLERANCE_SECONDS) {
    throw new IdTokenRefused('The token was not made now.');
  }
  if (typeof sub !== 'string' || sub === '' || sub.length > LONGEST_SUBJECT || /\p{Cc}/u.test(sub)) {
    throw new IdTokenRefused('The token names no usable subject.');
  }
  // Some providers say "true": what is not the boolean is not believed.
  return { subject: sub, email: typeof email === 'string' ? email : undefined, isEmailVerified: isVerified === true };
}

async function verified(token: string, { issuer, clientId, algorithms, at, keys }: Expectation): Promise<JWTPayload> {
  try {
    const header = decodeProtectedHeader(token) as Record<string, unknown>;
    const forbidden = FORBIDDEN_HEADERS.find((name) => name in header);
    if (forbidden !== undefined) throw new IdTokenRefused(`The header holds "${forbidden}".`);
    const { payload } = await jwtVerify(token, keys, {
      algorithms: [...algorithms],
      issuer,
      audience: clientId,
      requiredClaims: ['exp', 'iat', 'sub', 'nonce'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: at,
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) {
      throw new IdTokenRefused(error.message, { cause: error });
    }
    throw error;
  }
}
