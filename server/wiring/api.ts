import type { Signer } from '@licet/authority';
import { createVerdictTokens } from '../authority/verdict-tokens.ts';
import { apiRoutes } from '../http/api/index.ts';
import type { Use } from '../http/api/endpoint.ts';
import type { Route } from '../http/routes.ts';
import { validateLicense } from '../licensing/licenses/validate.ts';
import { idempotencyKeys } from '../persistence/idempotency.ts';
import type { Access } from './access.ts';

export type ApiGround = Pick<Use, 'licensing' | 'records' | 'renew' | 'identity' | 'notices'> & {
  readonly access: Access;
  readonly signer: Signer;
  /** Of this program, as the document names it. */
  readonly version: string;
};

/** The API of the license server with its description. */
export function api({
  access,
  licensing,
  records,
  renew,
  identity,
  notices,
  signer,
  version,
}: ApiGround): readonly Route[] {
  return apiRoutes({
    use: {
      licensing,
      access: access.deps,
      identity,
      notices,
      renew,
      validate: validateLicense(licensing),
      records,
      tokens: createVerdictTokens(signer),
    },
    keys: idempotencyKeys,
    guardsFor: (action) => access.guardsFor(action),
    version,
  });
}
