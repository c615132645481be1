import '../../require-node.js';

import('./write-docs.ts').catch((error) => {
  process.exitCode = 1;
  process.stderr.write(`${error.stack}\n`);
});
