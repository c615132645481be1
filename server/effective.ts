import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Config } from './config/index.ts';

/** What the configuration leaves to be worked out from its other parts. */

/** Whether this server may make itself a hierarchy whose root is not offline. */
export const isEvaluation = ({ authority, database }: Config): boolean =>
  authority.evaluation === 'auto' ? database.url === undefined : authority.evaluation === 'on';

/** Whether a person reads the log. */
export const isText = ({ log }: Config): boolean =>
  log.format === 'text' || (log.format === 'auto' && process.stdout.isTTY);

export function tlsModeOf(config: Config): 'own' | 'files' | 'off' {
  const { mode, certificate } = config.http.tls;
  return mode ?? (certificate !== undefined ? 'files' : isEvaluation(config) ? 'own' : 'off');
}

export const signerFolderOf = ({ signer, data }: Config): string => signer.folder ?? join(data.folder, 'signer');

/** Beside the signer's folder and not in it: a copy of the keys alone opens nothing. */
export const evaluationPassphraseOf = ({ data }: Config): string => join(data.folder, 'signer.passphrase');

/** Key and certificate of the server's own TLS. */
export const ownTlsFileOf = ({ data }: Config): string => join(data.folder, 'tls.pem');

/** Where certificates say that /ca, /crl and /ocsp are. `port` is what the plain listener got. */
export const publishingBaseOf = ({ authority }: Config, port: number): string =>
  authority.publicUrl?.replace(/\/+$/, '') ?? `http://localhost:${port}`;

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** What the server's own certificate names. */
export function serverNamesOf({ http }: Config): readonly string[] {
  if (http.tls.names.length > 0) return http.tls.names;
  if (http.publicUrl !== undefined) return [new URL(http.publicUrl).hostname.replace(/^\[|\]$/g, '')];
  const isOwn = isIP(http.host) === 0 || /^(127\.|::1$|0\.0\.0\.0$|::$)/.test(http.host);
  return isOwn && isIP(http.host) !== 0 ? LOOPBACK : [...new Set([http.host, ...LOOPBACK])];
}
