import { existsSync } from 'node:fs';
import { AuthorityError } from '@licet/authority';
import { loadConfig } from '../config/index.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import { signerFolderOf } from '../effective.ts';
import { splitArguments } from './backstage.ts';
import { StartError, startFailure } from '../start-error.ts';
import { borrowSigner } from '../wiring/signer.ts';

// `licet keys rotate`, wherever the keys lie: in the signer of a server's configuration, running or not.
//
//   node keys.ts rotate KEY [-- CONFIGURATION]
const USAGE = 'usage: keys rotate KEY [-- CONFIGURATION]';

async function main(argv: readonly string[]): Promise<void> {
  const { own, configuration } = splitArguments(argv);
  const [command, key, ...more] = own;
  if (command !== 'rotate' || key === undefined || more.length > 0) {
    throw new StartError(EXIT_CODES.configuration.code, USAGE);
  }
  const { config } = await loadConfig({ argv: configuration, env: process.env, directory: process.cwd() });
  const folder = signerFolderOf(config);
  if (config.signer.socket === undefined && !existsSync(folder)) {
    const message = `There is no signer in ${folder}: correct signer.folder, or run this where the server runs.`;
    throw new StartError(EXIT_CODES.configuration.code, message);
  }
  const warn = (_fields: object, message: string): void => void process.stderr.write(`licet: ${message}\n`);
  const { signer, close } = await borrowSigner(config, { warn, error: warn });
  try {
    const { id, purpose, algorithm, generation } = await signer.rotateKey(key);
    process.stdout.write(`${[id, purpose.padEnd(12), algorithm.padEnd(9), `generation ${generation}`].join('  ')}\n`);
  } finally {
    await close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, exitCode, isForeseen } = startFailure(error);
  const isRefusal = error instanceof AuthorityError;
  process.stderr.write(`licet: ${isForeseen || !isRefusal ? message : `${error.message} [${error.code}]`}\n`);
  process.exitCode = isRefusal ? 1 : exitCode;
}
