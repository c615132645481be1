import type { Command } from 'commander';
import { registerGroup } from '../api/command.ts';
import type { CliIo } from '../io.ts';
import { registerMany } from './license-many.ts';
import { registerSign } from './license-sign.ts';

export function register(program: Command, io: CliIo): void {
  const group = registerGroup(program, io, {
    name: 'license',
    description: 'licenses, as the server knows them (offline: licet verify)',
    verbs: [
      { verb: 'list', operation: 'listLicenses' },
      { verb: 'show', operation: 'readLicense' },
      { verb: 'validate', operation: 'validateKey' },
      { verb: 'renew', operation: 'refreshKey' },
      { verb: 'revoke', operation: 'revokeLicense', isFinal: true },
      { verb: 'suspend', operation: 'suspendLicense' },
      { verb: 'reinstate', operation: 'reinstateLicense' },
    ],
  });
  registerMany(group, io);
  registerSign(group, io);
}
