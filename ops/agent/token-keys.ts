import { hash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ecPublicKey, KeystoreError, rawToDer, Token } from '@licet/keystores';
import * as ck from '@licet/keystores/cryptoki';
import { AgentError } from './errors.ts';
import type { Settings } from './settings.ts';
import { fileKeys, type SiteKey, type SiteKeys } from './site-key.ts';

/** DER of the object identifier of P-256. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const SIGNATURE_BYTES = 64;

/**
 * Keys that are born in a PKCS#11 token and cannot leave it. In the folder lies where each is found, as a URI of RFC
 * 7512, which other programs of the machine understand too. A key that lay in a file before is used once more, to vouch
 * for its successor in the token.
 */
export function openTokenKeys(settings: NonNullable<Settings['pkcs11']>): SiteKeys {
  let opened: Promise<Token> | undefined;
  const openToken = tokenOpener(settings);
  // Not before something is to be signed: a license that lies in the folder is worth as much while the token is away.
  const token = (): Promise<Token> => {
    opened ??= openToken().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    make: () => inToken(async () => make(await token(), settings.token)),
    open: (text) => (isAddress(text) ? inToken(async () => open(await token(), text)) : fileKeys.open(text)),
    forget: async (text) => (isAddress(text) ? inToken(async () => forget(await token(), text)) : undefined),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

const isAddress = (text: string): boolean => text.startsWith('pkcs11:');

/** A PIN that was refused is not tried again: after a few of them a token is locked, and takes the right one no more. */
function tokenOpener({ library, token, pinFile, module = 'pkcs11js' }: NonNullable<Settings['pkcs11']>) {
  let refused: { readonly writtenAt: number; readonly error: KeystoreError } | undefined;
  return async (): Promise<Token> => {
    const { mtimeMs: writtenAt } = await stat(pinFile);
    if (refused?.writtenAt === writtenAt) throw refused.error;
    const pin = Buffer.from((await readFile(pinFile, 'utf8')).trim());
    try {
      return Token.open({ module, library, token, pin });
    } catch (cause) {
      if (!(cause instanceof KeystoreError) || cause.code !== 'locked') throw cause;
      const said = `${cause.message}; the agent tries it again when ${pinFile} is written anew, or the agent started.`;
      refused = { writtenAt, error: new KeystoreError('locked', said, { cause }) };
      throw refused.error;
    }
  };
}

async function inToken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    throw new AgentError('KEY_UNAVAILABLE', error.message, { cause: error });
  }
}

async function make(token: Token, name: string): Promise<SiteKey> {
  const label = `licet-site-${randomBytes(8).toString('hex')}`;
  const both = [
    { type: ck.CKA_TOKEN, value: true },
    { type: ck.CKA_LABEL, value: label },
  ];
  await token.use((cryptoki, session) =>
    cryptoki.C_GenerateKeyPairAsync(
      session,
      { mechanism: ck.CKM_EC_KEY_PAIR_GEN, parameter: null },
      [...both, { type: ck.CKA_EC_PARAMS, value: P256 }, { type: ck.CKA_VERIFY, value: true }],
      [
        ...both,
        { type: ck.CKA_PRIVATE, value: true },
        { type: ck.CKA_SENSITIVE, value: true },
        { type: ck.CKA_EXTRACTABLE, value: false },
        { type: ck.CKA_SIGN, value: true },
      ],
    ),
  );
  return open(token, `pkcs11:token=${encodeURIComponent(name)};object=${label};type=private`);
}

async function open(token: Token, uri: string): Promise<SiteKey> {
  const label = labelIn(uri);
  const publicKey = await token.use((cryptoki, session) => {
    find(cryptoki, session, ck.CKO_PRIVATE_KEY, label);
    return ecPublicKey(cryptoki, session, find(cryptoki, session, ck.CKO_PUBLIC_KEY, label), 'P-256');
  });
  return {
    text: uri,
    publicKey,
    tls: undefined,
    sign: (message) =>
      inToken(async () => {
        const raw = await token.use((cryptoki, session) => {
          const key = find(cryptoki, session, ck.CKO_PRIVATE_KEY, label);
          cryptoki.C_SignInit(session, { mechanism: ck.CKM_ECDSA, parameter: null }, key);
          return cryptoki.C_SignAsync(session, hash('sha256', message, 'buffer'), Buffer.alloc(SIGNATURE_BYTES));
        });
        return rawToDer(raw);
      }),
  };
}

/** Tokens have little room, and nobody asks for a key whose license is over. */
async function forget(token: Token, uri: string): Promise<void> {
  const label = labelIn(uri);
  await token.use((cryptoki, session) => {
    for (const type of [ck.CKO_PRIVATE_KEY, ck.CKO_PUBLIC_KEY]) {
      for (const key of findAll(cryptoki, session, type, label)) cryptoki.C_DestroyObject(session, key);
    }
  });
}

function labelIn(uri: string): string {
  const label = /[:;]object=([^;]+)/.exec(uri)?.[1];
  if (label !== undefined) return decodeURIComponent(label);
  throw new AgentError(
    'STATE_DAMAGED',
    'site.key names no key of the token: restore it, or enrol anew with a new kit.',
  );
}

function find(cryptoki: ck.Cryptoki, session: ck.Handle, type: number, label: string): ck.Handle {
  const [key] = findAll(cryptoki, session, type, label);
  if (key !== undefined) return key;
  throw new AgentError('KEY_UNAVAILABLE', `The token does not hold the key "${label}"; is it the right token?`);
}

function findAll(cryptoki: ck.Cryptoki, session: ck.Handle, type: number, label: string): ck.Handle[] {
  cryptoki.C_FindObjectsInit(session, [
    { type: ck.CKA_CLASS, value: type },
    { type: ck.CKA_LABEL, value: label },
  ]);
  const found = cryptoki.C_FindObjects(session, 2);
  cryptoki.C_FindObjectsFinal(session);
  return found;
}
