import { readFileSync } from 'node:fs';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type CheckedTls, type TlsMaterial, TlsMaterialError, checkTls } from './context.ts';

export type TlsFiles = { readonly certificate: string; readonly key: string };

export type TlsFilesDeps = { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };

export type WatchedTls = {
  readonly first: CheckedTls;
  /** Who is handed each later one. */
  onChange(use: (tls: CheckedTls) => void): void;
  /** Reads again now (SIGHUP); what cannot be used is logged and the old one stays. */
  reload(): void;
  stop(): void;
};

/** Looking every few seconds sees what file events miss: network disks, and the symbolic links that Kubernetes swaps. */
const LOOK_EVERY_MS = 5000;

/** Throws TlsMaterialError when the files cannot be used at the start. */
export function watchTlsFiles(
  files: TlsFiles,
  { clock, log, metrics }: TlsFilesDeps,
  lookEveryMs = LOOK_EVERY_MS,
): WatchedTls {
  const users: ((tls: CheckedTls) => void)[] = [];
  let last = read(files);
  const first = checkTls(last, clock.now());
  if (first.outOfDate !== undefined) log.warn({ file: files.certificate }, first.outOfDate);
  metrics.certificateReloaded('done', first.expiresAt);
  let current = first;
  let complaint = '';
  const look = (isAsked: boolean) => {
    try {
      const found = read(files);
      if (!isAsked && found.certificate === last.certificate && found.key === last.key) {
        complaint = '';
        return;
      }
      const checked = checkBeside(current, found, clock.now());
      last = found;
      current = checked;
      complaint = '';
      for (const use of users) use(checked);
      metrics.certificateReloaded('done', checked.expiresAt);
      log.info({ file: files.certificate }, 'TLS certificate loaded');
    } catch (error) {
      // What cannot be used now may be good at the next look, since certificates also begin; once is said often enough.
      if (!isAsked && complaint === String(error)) return;
      complaint = String(error);
      metrics.certificateReloaded('failed');
      log.error({ file: files.certificate, err: error }, 'TLS certificate not loaded, the old one stays in use');
    }
  };
  const timer = setInterval(() => look(false), lookEveryMs).unref();
  return { first, onChange: (use) => void users.push(use), reload: () => look(true), stop: () => clearInterval(timer) };
}

/** At the start a certificate that is out of date is better than none. Later it is not better than one that is good. */
function checkBeside(current: CheckedTls, found: TlsMaterial, at: Date): CheckedTls {
  const checked = checkTls(found, at);
  if (checked.outOfDate !== undefined && current.expiresAt > at) throw new TlsMaterialError(checked.outOfDate);
  return checked;
}

function read({ certificate, key }: TlsFiles): TlsMaterial {
  return { certificate: readText(certificate, 'http.tls.certificate'), key: readText(key, 'http.tls.key') };
}

function readText(file: string, configurationKey: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new TlsMaterialError(
      `The file ${file} of ${configurationKey} cannot be read (${code}): correct the path, or the rights of the file.`,
      { cause },
    );
  }
}
