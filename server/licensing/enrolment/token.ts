import { hash } from 'node:crypto';
import { toBase64Url } from '@licet/format';
import type { Random } from '../ports/random.ts';

/** 256 random bits: nobody guesses one, so a plain hash is enough to keep it by. */
const SECRET_BYTES = 32;
/** Whose it is stands in front, so that it is looked for among the rows of one organization only. */
const FORM = /^licet-enrol\.([a-z0-9-]{1,40})\.[A-Za-z0-9_-]{43}$/;

export type NewToken = { readonly text: string; readonly hash: Uint8Array };

export function makeToken(organization: string, random: Random): NewToken {
  const text = `licet-enrol.${organization}.${toBase64Url(random.bytes(SECRET_BYTES))}`;
  return { text, hash: hashToken(text) };
}

export const hashToken = (text: string): Uint8Array => hash('sha256', text, 'buffer');

/** The organization that a token is of, if it can be one at all. */
export const organizationOfToken = (text: string): string | undefined => FORM.exec(text)?.[1];
