import { ALGORITHMS } from '../../keys/algorithms.ts';
import { refuse, type BoundKey } from './bound-key.ts';

/** The media type (RFC 7519 §5.1, RFC 8725 §3.11) by which nobody takes a verdict token for a token of another kind. */
export const TOKEN_TYPE = 'licet-verdict+jwt';

const MAX_LENGTH = 65_536;
const HEADER_FIELDS: readonly string[] = ['alg', 'typ', 'kid'];

/** A JWS signing input, RFC 7515 §5.1: base64url, a dot, base64url. */
export function checkToken(key: BoundKey, bytes: Uint8Array): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const [, header, payload] = /^([\w-]+)\.([\w-]+)$/.exec(text.length > MAX_LENGTH ? '' : text) ?? [];
  if (header === undefined || payload === undefined) refuse(key, 'this is no JWS signing input');
  const fields = parseObject(header);
  if (fields === undefined || parseObject(payload) === undefined)
    refuse(key, 'the header or the payload is no JSON object');
  const strange = Object.keys(fields).find((name) => !HEADER_FIELDS.includes(name));
  if (strange !== undefined) refuse(key, `the token's header has the field "${strange}", which is none of ours`);
  const { jws } = ALGORITHMS[key.description.algorithm];
  if (fields['alg'] !== jws) refuse(key, `the token must name the algorithm ${jws}`);
  if (fields['typ'] !== TOKEN_TYPE) refuse(key, `the token must have the type ${TOKEN_TYPE}`);
  if (fields['kid'] !== undefined && typeof fields['kid'] !== 'string')
    refuse(key, 'the key id of the token is no text');
}

function parseObject(encoded: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
