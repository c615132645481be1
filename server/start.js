#!/usr/bin/env node
import '../require-node.js';

// The C library would keep freed memory in one heap for each thread, V8 a young generation for bursts that a server of
// this size never has, and everything that the start leaves behind until much more has gathered: together 100 MB. All
// is settled when a process begins, so this one begins again, in place.
if (process.platform === 'linux' && process.env.MALLOC_ARENA_MAX === undefined) {
  const memory = ['--max-semi-space-size=4', '--initial-old-space-size=40'];
  const node = [process.execPath, ...memory, '--disable-warning=ExperimentalWarning'];
  const args = [...node, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, MALLOC_ARENA_MAX: '1' });
}

// Not static imports: those would be read, and fail, before the lines above could speak.
import('../compile-cache.js')
  .then(() => import('./main.ts'))
  .catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 70; // EXIT_CODES.crashed: a file of the program itself does not load
  });
