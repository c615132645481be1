import { encodePem } from '@licet/format';
import type { IssuedLicense } from '../ports/issuance.ts';

const texts = new WeakMap<Uint8Array, string>();

/** A license with the CAs above it, as `site.lic` holds them. The same certificate is written once. */
export const bundleOf = ({ chain }: Pick<IssuedLicense, 'chain'>): string => chain.map(pemOf).join('');

function pemOf(der: Uint8Array): string {
  const text = texts.get(der) ?? encodePem('CERTIFICATE', der);
  texts.set(der, text);
  return text;
}
