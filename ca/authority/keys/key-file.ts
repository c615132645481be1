import { AuthorityError } from '../errors.ts';
import { ByteWriter } from '../journal/binary.ts';
import type { VaultEntry, VaultKind } from '../ports/key-store.ts';
import type { KeyDescription } from '../ports/signer.ts';
import { JsonObject } from './json.ts';

/** The version of the file and of what is bound to the key: an old file can never be read as a new one. */
const FORMAT = 'licet-key/1';

const PURPOSES = ['root', 'organization', 'enterprise', 'service', 'ocsp', 'manifest', 'token', 'tls'] as const;
const KEY_ALGORITHMS = ['P-256', 'P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65'] as const;
const VAULTS = ['file', 'pkcs11', 'aws-kms'] as const;

export function writeKeyFile({ description, vault, secret }: VaultEntry): string {
  const { publicKey, certificate, createdAt, retiredAt, ...plain } = description;
  const file = {
    format: FORMAT,
    ...plain,
    createdAt: createdAt.toISOString(),
    retiredAt: retiredAt?.toISOString(),
    publicKey: Buffer.from(publicKey).toString('base64'),
    certificate: certificate && Buffer.from(certificate).toString('base64'),
    vault,
    secret,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Believes nothing yet: the vault opens the key only when all of this is what it was bound to. */
export function readKeyFile(text: string, path: string): VaultEntry {
  try {
    return readEntry(JsonObject.parse(text));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AuthorityError('KEY_CORRUPT', `${path} is no key file (${cause.message}); restore it from its copy.`);
  }
}

function readEntry(file: JsonObject): VaultEntry {
  file.word('format', [FORMAT]);
  const description: KeyDescription = {
    id: file.text('id', /^[0-9a-f]{32}$/),
    purpose: file.word('purpose', PURPOSES),
    algorithm: file.word('algorithm', KEY_ALGORITHMS),
    organization: file.text('organization'),
    enterprise: file.optional('enterprise', (name) => file.text(name)),
    generation: file.integer('generation', 1, 0xff_ff_ff_ff),
    createdAt: file.date('createdAt'),
    retiredAt: file.optional('retiredAt', (name) => file.date(name)),
    publicKey: file.bytes('publicKey'),
    certificate: file.optional('certificate', (name) => file.bytes(name)),
  };
  const entry = { description, vault: file.word('vault', VAULTS), secret: file.texts('secret') };
  file.finish();
  return entry;
}

export function foreignVault({ description, vault }: VaultEntry, here: VaultKind): AuthorityError {
  return new AuthorityError(
    'KEY_CORRUPT',
    `Key ${description.id} lives in "${vault}", this signer is set up for "${here}"; use a folder for each.`,
  );
}

/** What a private key is bound to for life, in one unambiguous row of bytes. */
export function roleBytes(key: KeyDescription): Uint8Array {
  return roleWriter(key).view();
}

/** That and what may still change: for vaults that can bind a key anew in the same write as its description. */
export function stateBytes(key: KeyDescription): Uint8Array {
  return roleWriter(key)
    .optional(key.retiredAt, (to, at) => to.date(at))
    .optional(key.certificate, (to, certificate) => to.bytes(certificate))
    .view();
}

function roleWriter(key: KeyDescription): ByteWriter {
  return new ByteWriter(1024)
    .text(FORMAT)
    .text(key.id)
    .text(key.purpose)
    .text(key.algorithm)
    .text(key.organization)
    .optional(key.enterprise, (to, enterprise) => to.text(enterprise))
    .u32(key.generation)
    .date(key.createdAt)
    .bytes(key.publicKey);
}
