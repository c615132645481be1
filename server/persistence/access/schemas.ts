import type { EntitySchema, EntitySchemaColumnOptions } from 'typeorm';
import type { ApiToken, Approval, Person, Session, SignInProvider } from '../../licensing/access/model.ts';
import { entity, id, instant, json, optional, optionalId, text } from '../licensing/schemas.ts';

const perhaps = (column: EntitySchemaColumnOptions): EntitySchemaColumnOptions => ({
  ...column,
  nullable: true,
  transformer: optional,
});

export const personSchema = entity<Person>('people', {
  email: perhaps(text),
  name: perhaps(text),
  status: text,
  roles: json,
  enterprise: optionalId,
  password: perhaps(text),
  totp: perhaps(json),
  recoveryCodes: { ...json, name: 'recovery_codes' },
  invitation: perhaps(text),
  invitedUntil: perhaps({ ...instant, name: 'invited_until' }),
  issuer: perhaps(text),
  subject: perhaps(text),
});

export const tokenSchema = entity<ApiToken>('api_tokens', {
  name: text,
  prefix: text,
  hash: text,
  roles: json,
  enterprise: optionalId,
  actions: perhaps(json),
  madeBy: { ...text, name: 'made_by' },
  parent: optionalId,
  expiresAt: { ...instant, name: 'expires_at' },
  revokedAt: perhaps({ ...instant, name: 'revoked_at' }),
  lastUsedAt: perhaps({ ...instant, name: 'last_used_at', update: false }),
});

export const sessionSchema = entity<Session>('sessions', {
  person: id,
  accessHash: { ...text, name: 'access_hash' },
  accessUntil: { ...instant, name: 'access_until' },
  refreshHash: { ...text, name: 'refresh_hash' },
  refreshUntil: { ...instant, name: 'refresh_until' },
  formerHash: perhaps({ ...text, name: 'former_hash' }),
  formerUntil: perhaps({ ...instant, name: 'former_until' }),
  endsAt: { ...instant, name: 'ends_at' },
  revokedAt: perhaps({ ...instant, name: 'revoked_at' }),
});

export const providerSchema = entity<SignInProvider>('sign_in_providers', {
  name: text,
  issuer: text,
  clientId: { ...text, name: 'client_id' },
  clientSecret: perhaps({ ...text, name: 'client_secret' }),
  algorithms: json,
  trustsEmail: { type: 'boolean', name: 'trusts_email' },
});

export const approvalSchema = entity<Approval>('approval_requests', {
  action: text,
  subject: text,
  payload: json,
  digest: text,
  requestedBy: { ...text, name: 'requested_by' },
  responsible: text,
  status: text,
  decidedBy: perhaps({ ...text, name: 'decided_by' }),
  expiresAt: { ...instant, name: 'expires_at' },
});

export const accessSchemas: EntitySchema[] = [personSchema, tokenSchema, sessionSchema, providerSchema, approvalSchema];
