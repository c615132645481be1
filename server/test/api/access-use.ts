import { createPasswords } from '../../licensing/access/passwords.ts';
import type { IdentityProviders } from '../../licensing/access/external-ports.ts';
import type { AccessDeps } from '../../licensing/access/ports.ts';
import { createSealer } from '../../licensing/access/seal.ts';
import { SESSION_TIMES } from '../../licensing/access/sessions.ts';
import type { AccessUse } from '../../http/api/endpoint.ts';

/** As cheap as argon2 allows: what is tested is not its price. */
const CHEAP = { memoryKib: 8, passes: 1 };

/** What a provider says is tried elsewhere, with a real one. */
const provider: IdentityProviders = {
  authorizationUrl: async (_client, { state, redirectUri }) =>
    `https://login.example/auth?state=${state}&redirect_uri=${encodeURIComponent(redirectUri)}`,
  redeem: async () => ({ subject: 'ann', email: 'linked@example.org', isEmailVerified: true }),
};

export const accessUse = (deps: AccessDeps, more: Partial<AccessUse> = {}): AccessUse => ({
  ...deps,
  passwords: createPasswords(deps.random, CHEAP),
  sealer: createSealer(deps.random.bytes(32), deps.random),
  times: SESSION_TIMES,
  providers: provider,
  issuers: ['https://login.example'],
  forgetTokens: () => undefined,
  publicUrl: () => 'https://licet.example',
  ...more,
});
