import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto';
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
  /**
   * A sentence on why it is not valid today. Serving it would only make clients fail, but refusing to start would take
   * even the rest away.
   */
  readonly outOfDate: string | undefined;
};

const ORDER = 'put the server certificate first, then its intermediates, each behind the one that it has issued';

/** Everything that OpenSSL would only find out at the first handshake, or say in its own words. */
export function checkTls({ certificate, key, ca }: TlsMaterial, at: Date): CheckedTls {
  const chain = readChain(certificate);
  const [leaf] = chain;
  const privateKey = attempt(
    () => createPrivateKey(key),
    'The TLS key file holds no unencrypted PEM private key; decrypt it or name the right file.',
  );
  if (!leaf.checkPrivateKey(privateKey)) throw keyOfAnother(chain, privateKey);
  checkOrder(chain);
  const options = { cert: certificate, key, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) } as const;
  attempt(
    () => createSecureContext(options),
    'OpenSSL refuses the TLS certificate or key; use P-256, or RSA of 2048 bits or more, with SHA-256.',
  );
  return { options, expiresAt: leaf.validToDate, outOfDate: outOfDate(leaf, at) };
}

type Chain = readonly [X509Certificate, ...X509Certificate[]];

function readChain(text: string): Chain {
  const [leaf, ...above] = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const open = (pem: string | undefined, which: string): X509Certificate =>
    attempt(
      () => new X509Certificate(pem ?? ''),
      `The TLS certificate file holds no PEM certificate${which}; ${ORDER}.`,
    );
  return [open(leaf, ''), ...above.map((pem, index) => open(pem, ` that can be read in place ${index + 2}`))];
}

function keyOfAnother(chain: Chain, key: KeyObject): TlsMaterialError {
  const place = chain.findIndex((certificate) => certificate.checkPrivateKey(key)) + 1;
  if (place === 0) {
    return new TlsMaterialError('The TLS key does not belong to the first certificate of the certificate file.');
  }
  return new TlsMaterialError(
    `The TLS certificate file is in the wrong order: the certificate of the TLS key stands in place ${place}; ${ORDER}.`,
  );
}

/** TLS 1.2 demands this order (RFC 5246 §7.4.2), and clients that keep to it would fail where others do not. */
function checkOrder(chain: Chain): void {
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    if (next === undefined || certificate.verify(next.publicKey)) continue;
    const names = [next, certificate].map(({ subject }) => `"${subject.replaceAll('\n', ', ')}"`);
    throw new TlsMaterialError(
      `The TLS certificate file is in the wrong order: ${names[0]} in place ${index + 2} has not issued ` +
        `${names[1]} before it; ${ORDER}.`,
    );
  }
}

function outOfDate({ validFromDate, validToDate }: X509Certificate, at: Date): string | undefined {
  if (at > validToDate) return `The TLS certificate has ended at ${validToDate.toISOString()}: clients refuse it.`;
  if (at >= validFromDate) return undefined;
  return `The TLS certificate begins only at ${validFromDate.toISOString()}: clients refuse it until then.`;
}

function attempt<T>(make: () => T, message: string): T {
  try {
    return make();
  } catch (cause) {
    throw new TlsMaterialError(message, { cause });
  }
}
