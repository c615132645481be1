import { join } from 'node:path';
import { CRASH_AT } from '../issue/crash-points.ts';
import type { VaultChoice } from './launch.ts';

export type SignerCommand = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/**
 * How a signer process begins, whoever starts it. No core dump (a shell sets the limit, Node has no call for it), no
 * inspector by signal, no diagnostic report or environment that could carry a secret, and no NODE_OPTIONS that could
 * undo any of it.
 */
export function signerCommand(vault: VaultChoice, ...launchFile: readonly string[]): SignerCommand {
  const node = [
    process.execPath,
    '--disable-sigusr1',
    '--report-exclude-env',
    '--disallow-code-generation-from-strings',
    '--max-semi-space-size=2',
    // Only a PKCS#11 library has to be loaded into the process.
    ...(vault.kind === 'pkcs11' ? [] : ['--no-addons']),
    join(import.meta.dirname, 'process.ts'),
    ...launchFile,
  ];
  return {
    file: '/bin/sh',
    args: ['-c', 'ulimit -c 0; exec "$@"', 'licet-signer', ...node],
    // Each thread of Node would keep a heap of its own for what is freed at once.
    env: Object.assign({ MALLOC_ARENA_MAX: '2' }, ...namesFor(vault).map(passedOn)),
  };
}

/** Time zone, where compiled code lies, where SoftHSM keeps its tokens, a drill: no secret among them, and nothing else. */
const PASSED_ON = ['TZ', 'NODE_COMPILE_CACHE', 'SOFTHSM2_CONF', CRASH_AT];

/** Where AWS hands out what a container or a machine may do, when no file of credentials is named. */
const ROLE_OF_AWS = [
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
];

function namesFor(vault: VaultChoice): readonly string[] {
  const needsRole = vault.kind === 'aws-kms' && vault.credentialsFile === undefined;
  return needsRole ? [...PASSED_ON, ...ROLE_OF_AWS] : PASSED_ON;
}

function passedOn(name: string): Record<string, string> {
  const value = process.env[name];
  return value === undefined ? {} : { [name]: value };
}
