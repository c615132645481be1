import { X509Certificate, createPrivateKey } from 'node:crypto';
import { type SecureContextOptions, createSecureContext } from 'node:tls';

/** PEM. `ca`: whose client certificates TLS itself believes; the rest is judged by our own verifier per request. */
export type TlsMaterial = {
  readonly certificate: string;
  readonly key: string;
  readonly ca?: string;
};

/** The message says what is wrong with which part, and what to do. */
export class TlsMaterialError extends Error {
  override readonly name = 'TlsMaterialError';
}

export type CheckedTls = {
  readonly options: SecureContextOptions;
  readonly expiresAt: Date;
  /** Serving it would only make clients fail, but refusing to start would take even the rest away. */
  readonly isOutOfDate: boolean;
};

/** Everything that OpenSSL would only find out at the first handshake, or say in its own words. */
export function checkTls({ certificate, key, ca }: TlsMaterial, at: Date): CheckedTls {
  const leaf = attempt(
    () => new X509Certificate(certificate),
    'The TLS certificate file holds no PEM certificate; put the server certificate first, then its intermediates.',
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    'The TLS key file holds no unencrypted PEM private key; decrypt it or name the right file.',
  );
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new TlsMaterialError('The TLS key does not belong to the first certificate of the certificate file.');
  }
  const options = { cert: certificate, key, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) } as const;
  attempt(
    () => createSecureContext(options),
    'OpenSSL refuses the TLS certificate or key; use P-256, or RSA of 2048 bits or more, with SHA-256.',
  );
  return { options, expiresAt: leaf.validToDate, isOutOfDate: at < leaf.validFromDate || at > leaf.validToDate };
}

function attempt<T>(make: () => T, message: string): T {
  try {
    return make();
  } catch (cause) {
    throw new TlsMaterialError(message, { cause });
  }
}
