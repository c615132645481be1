import { z } from 'zod';
import { AuthorityError } from '../errors.ts';
import { ByteWriter } from '../journal/binary.ts';
import type { VaultEntry } from '../ports/key-store.ts';
import type { KeyDescription } from '../ports/signer.ts';

/** The version of the file and of what is bound to the key: an old file can never be read as a new one. */
const FORMAT = 'licet-key/1';

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);
const instant = z.iso.datetime();
const KeyFile = z.strictObject({
  format: z.literal(FORMAT),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  purpose: z.enum(['root', 'organization', 'enterprise', 'service', 'ocsp', 'manifest', 'token', 'tls']),
  algorithm: z.enum(['P-256', 'P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65']),
  organization: z.string(),
  enterprise: z.string().optional(),
  generation: z.int().positive(),
  createdAt: instant,
  retiredAt: instant.optional(),
  publicKey: base64,
  certificate: base64.optional(),
  vault: z.enum(['file', 'pkcs11', 'aws-kms']),
  secret: z.record(z.string(), z.string()),
});

export function writeKeyFile({ description, vault, secret }: VaultEntry): string {
  const { publicKey, certificate, createdAt, retiredAt, ...plain } = description;
  const file: z.infer<typeof KeyFile> = {
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
  const parsed = KeyFile.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new AuthorityError('KEY_CORRUPT', `${path} is no key file; restore it from its copy.`, {
      details: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    });
  }
  const { vault, secret, publicKey, certificate, createdAt, retiredAt, ...file } = parsed.data;
  const { format: _, ...plain } = file;
  return {
    description: {
      ...plain,
      enterprise: plain.enterprise,
      publicKey: new Uint8Array(Buffer.from(publicKey, 'base64')),
      certificate: certificate === undefined ? undefined : new Uint8Array(Buffer.from(certificate, 'base64')),
      createdAt: new Date(createdAt),
      retiredAt: retiredAt === undefined ? undefined : new Date(retiredAt),
    },
    vault,
    secret,
  };
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
