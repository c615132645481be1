import type { IncomingMessage } from 'node:http';
import type { Authenticated } from '../../licensing/access/authenticate.ts';
import type { Principal } from '../../licensing/model/principal.ts';

const known = new WeakMap<IncomingMessage, Authenticated>();

export const setPrincipal = (request: IncomingMessage, authenticated: Authenticated): void =>
  void known.set(request, authenticated);

/** Who asks. A route that is not guarded has nobody to ask for, and must not. */
export function principalOf(request: IncomingMessage): Principal {
  return authenticatedOf(request).principal;
}

export function authenticatedOf(request: IncomingMessage): Authenticated {
  const found = known.get(request);
  if (found === undefined) throw new Error('This request passed no guard that authenticates.');
  return found;
}
