import { existsSync } from 'node:fs';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (arch) => `/usr/lib/${arch}/faketime/libfaketimeMT.so.1`,
);

/** The environment of a process whose clock stands elsewhere: `+30d`, or `@2038-01-20 12:00:00`, from its start on. */
export function movedClock(to: string): Readonly<Record<string, string>> {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is not installed: install the package faketime.');
  // Time-outs are not moved: they are measured, not read from a calendar.
  return { LD_PRELOAD: library, FAKETIME: to, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' };
}
