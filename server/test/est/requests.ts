import { generateKeyPairSync, sign } from 'node:crypto';
import {
  type Bytes,
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  OID,
  type RawExtension,
} from '@licet/format';

export const NAME = [
  { type: 'organizationName', value: 'acme' },
  { type: 'organizationalUnitName', value: 'globex' },
  { type: 'commonName', value: 'plant-7' },
];

export type Wish = {
  names?: typeof NAME;
  password?: string;
  extensions?: readonly RawExtension[];
  attributes?: readonly { oid: string; values: readonly Bytes[] }[];
  keys?: ReturnType<typeof newKeys>;
};

export const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A request as the wish has it. */
export function csrFor({ names = NAME, password, extensions, attributes, keys = newKeys() }: Wish = {}): Bytes {
  const info = encodeCertificationRequestInfo({
    subject: createName(names),
    publicKey: { raw: keys.publicKey.export({ type: 'spki', format: 'der' }) },
    ...(password !== undefined && { challengePassword: password }),
    ...(extensions && { requestedExtensions: extensions }),
    ...(attributes && { attributes }),
  });
  const algorithm = createAlgorithm(OID.ecdsaWithSha256);
  return encodeCertificationRequest(info, algorithm, sign('sha256', info, keys.privateKey));
}
