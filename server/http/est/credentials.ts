import type { IncomingMessage } from 'node:http';

/** What the Authorization header carries: a secret, whatever stands before it as a user name. */
export type HttpSecret = { readonly secret: string };

/**
 * Basic (RFC 7617) is what EST clients speak: the password is the token, and the user name is free, since many clients
 * cannot leave it out. Bearer is for everybody else.
 */
export function httpSecret({ headers }: IncomingMessage): HttpSecret | undefined {
  // RFC 9110 §11.4: one space or more.
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(/ +/);
  if (scheme.toLowerCase() === 'bearer' && value !== '') return { secret: value };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  // No secret of ours has a space in it, and one that was read from a file often brings the line end along.
  const secret = colon === -1 ? '' : text.slice(colon + 1).trim();
  return secret === '' ? undefined : { secret };
}
