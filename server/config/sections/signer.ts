import { z } from 'zod';
import { filePath } from '../fields.ts';

const VAULTS = ['file', 'pkcs11', 'aws-kms'] as const;

const pkcs11 = z
  .strictObject({
    module: z
      .string()
      .min(1)
      .default('pkcs11js')
      .describe('The package that speaks PKCS#11, or the path of one: a native addon, so you install it yourself.'),
    library: filePath().optional().describe('The PKCS#11 library of the token, e.g. libsofthsm2.so.'),
    token: z.string().min(1).optional().describe('The label of the token.'),
    pinFile: filePath().optional().describe('The file that holds the PIN. Only the signer process reads it.'),
  })
  .prefault({})
  .describe('Keys in a token, with `signer.vault: pkcs11`.');

const awsKms = z
  .strictObject({
    region: z.string().min(1).optional().describe('The region of the keys.'),
    endpoint: z.url().optional().meta({ allowed: 'a URL' }).describe('Another endpoint than that of AWS.'),
    credentialsFile: filePath()
      .optional()
      .describe(
        'In the format of ~/.aws/credentials; read again when it changes. Default: what AWS gives to the container (ECS, ' +
          'EKS) or the machine (EC2).',
      ),
    profile: z.string().min(1).optional().describe('Which profile of that file.'),
  })
  .prefault({})
  .describe('Keys in AWS KMS, with `signer.vault: aws-kms`.');

const NEEDED = {
  file: [],
  pkcs11: [
    ['pkcs11', 'library'],
    ['pkcs11', 'token'],
    ['pkcs11', 'pinFile'],
  ],
  'aws-kms': [['awsKms', 'region']],
} as const;

export const signerSection = z
  .strictObject({
    folder: filePath()
      .optional()
      .describe(
        'The folder of the signer process: its keys and its journal. Default: `signer` in `data.folder`. Back it up ' +
          'apart from the database, and never restore an old copy of its journal.',
      ),
    socket: filePath()
      .optional()
      .describe('The socket of a signer that runs by itself. Then this server starts none and needs no folder.'),
    vault: z.enum(VAULTS).default('file').describe('Where private keys live.'),
    passphraseFile: filePath()
      .optional()
      .describe(
        'The file that holds the passphrase of the keys. Only the signer process reads it. Default, for an evaluation ' +
          'only: `signer.passphrase` in `data.folder`, made at the first start.',
      ),
    pkcs11,
    awsKms,
  })
  .prefault({})
  .superRefine((value, context) => {
    for (const [section, name] of NEEDED[value.vault]) {
      if ((value[section] as Readonly<Record<string, unknown>>)[name] !== undefined) continue;
      const message = `is needed when signer.vault is ${value.vault}`;
      context.addIssue({ code: 'custom', path: [section, name], message });
    }
  })
  .describe('The signer: the process that alone opens keys.');
