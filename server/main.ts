import { systemClock as clock } from './clock.ts';
import { EXIT_CODES } from './config/exit-codes.ts';
import { type Loaded, loadConfig, secretsOf } from './config/index.ts';
import { isText } from './effective.ts';
import type { Ground } from './ground.ts';
import { createLifecycle } from './lifecycle.ts';
import { type Log, createLog } from './log/log.ts';
import { type LogOutput, logOutput } from './log/output.ts';
import { createMetrics } from './metrics/metrics.ts';
import manifest from './package.json' with { type: 'json' };
import { startFailure } from './start-error.ts';
import { openServerSigner } from './wiring/signer.ts';

/** Beyond the drain: for what has to be written and closed after it. */
const CLOSING_MS = 10_000;
/** For a reader of the log that is slow. */
const FLUSH_MS = 1000;

async function main(): Promise<void> {
  const loaded = await loadConfig({ argv: process.argv.slice(2), env: process.env, directory: process.cwd() });
  const { config } = loaded;
  const metrics = createMetrics({
    version: manifest.version,
    routes: [],
    jobs: [],
  });
  const output = logOutput(process.stdout.fd, () => metrics.logLineDropped());
  const log = logFor(loaded, output);
  const { settleSeconds, drainSeconds } = config.http.timeouts;
  const lifecycle = createLifecycle({
    log,
    codes: { clean: EXIT_CODES.clean.code, cut: EXIT_CODES.cut.code, crashed: EXIT_CODES.crashed.code },
    exit: (code) => exit(code, output),
    hardLimitMs: (settleSeconds + drainSeconds) * 1000 + CLOSING_MS,
  });
  process.on('SIGTERM', () => lifecycle.signal('SIGTERM'));
  process.on('SIGINT', () => lifecycle.signal('SIGINT'));
  process.on('uncaughtException', (error) => lifecycle.crash(error));
  await serveWith({ config, log, metrics, lifecycle });
}

/** The signer is a process of its own that takes as long to start as the rest of this program to load: side by side. */
async function serveWith(ground: Ground): Promise<void> {
  const signer = openServerSigner(ground.config, ground.log.with({ component: 'signer' }));
  // Whether it has opened is asked by the one who needs it.
  signer.catch(() => undefined);
  try {
    const { serve } = await import('./serve.ts');
    await serve(ground, signer);
  } catch (error) {
    const opened = await signer.catch(() => undefined);
    await opened?.close();
    throw error;
  }
}

function logFor(loaded: Loaded, output: LogOutput): Log {
  const { config } = loaded;
  return createLog({
    level: config.log.level,
    format: isText(config) ? 'text' : 'json',
    clock,
    write: (line) => output.write(line),
    secrets: secretsOf(loaded),
  });
}

/** The last lines are the ones that are wanted most. */
function exit(code: number, output: LogOutput): void {
  void output.flush(FLUSH_MS).then(() => process.exit(code));
}

main().catch((error: unknown) => {
  const { message, exitCode, isForeseen } = startFailure(error);
  process.stderr.write(isForeseen ? `licet: ${message}\n` : `licet: this is a defect, please report it: ${message}\n`);
  if (isForeseen && process.env['LICET_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exit(exitCode);
});
