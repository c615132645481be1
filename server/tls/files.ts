import { readFileSync } from 'node:fs';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
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
  let last = read(files);
  const users: ((tls: CheckedTls) => void)[] = [];
  const accept = (material: TlsMaterial): CheckedTls => {
    const checked = checkTls(material, clock.now());
    const expiresAt = checked.expiresAt.toISOString();
    if (checked.isOutOfDate) log.warn({ file: files.certificate, expiresAt }, 'TLS certificate is not valid today');
    metrics.certificateReloaded('done', checked.expiresAt);
    return checked;
  };
  const first = accept(last);
  const look = (isAsked: boolean) => {
    try {
      const found = read(files);
      if (!isAsked && found.certificate === last.certificate && found.key === last.key) return;
      last = found;
      const checked = accept(found);
      for (const use of users) use(checked);
      log.info({ file: files.certificate }, 'TLS certificate loaded');
    } catch (error) {
      metrics.certificateReloaded('failed');
      log.error({ file: files.certificate, err: error }, 'TLS certificate not loaded, the old one stays in use');
    }
  };
  const timer = setInterval(() => look(false), lookEveryMs).unref();
  return { first, onChange: (use) => void users.push(use), reload: () => look(true), stop: () => clearInterval(timer) };
}

function read({ certificate, key }: TlsFiles): TlsMaterial {
  return { certificate: readText(certificate, 'http.tls.certificate'), key: readText(key, 'http.tls.key') };
}

function readText(file: string, configurationKey: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new TlsMaterialError(`The file ${file} of ${configurationKey} cannot be read (${code}).`, { cause });
  }
}
