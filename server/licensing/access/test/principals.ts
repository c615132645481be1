import type { Principal, Role } from '../../model/principal.ts';

/** Somebody of `acme`. */
export function principal(role: Role, more: Partial<Principal> = {}): Principal {
  const kind = role === 'site' ? 'site' : role === 'application' ? 'token' : 'person';
  const enterprise = role === 'enterprise-admin' || role === 'site' ? 'enterprise-1' : undefined;
  const site = role === 'site' ? 'site-1' : undefined;
  return { kind, id: `${kind}:${role}`, organization: 'acme', roles: [role], enterprise, site, ...more };
}

export const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;
