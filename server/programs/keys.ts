import { existsSync } from 'node:fs';
import { loadConfig } from '../config/index.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import { signerFolderOf } from '../effective.ts';
import { splitArguments } from './backstage.ts';
import { StartError } from '../start-error.ts';
import { print, runToEnd } from './end.ts';
import { borrowSigner } from '../wiring/signer.ts';
import { log } from './log.ts';

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
  const { signer, close } = await borrowSigner(config, log);
  try {
    const { id, purpose, algorithm, generation } = await signer.rotateKey(key);
    print([id, purpose.padEnd(12), algorithm.padEnd(9), `generation ${generation}`].join('  '));
  } finally {
    await close();
  }
}

await runToEnd(main);
