import { encodeCertificationRequest, encodeCertificationRequestInfo, encodePem } from '@licet/format';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { KeyDescription, Signer } from '../../ports/signer.ts';
import type { ConfigOf } from '../config/index.ts';
import { invalid } from '../config/invalid.ts';
import { checkEnterprise, nameOf, subjectOf } from '../role.ts';
import { withSigner } from '../unlock.ts';
import { fingerprintOf } from '../words.ts';
import type { Plan, Setting } from './plan.ts';

type Config = ConfigOf<'request'>;

/** A CA key where it will work, and the request that is carried to whoever certifies it. */
export async function planRequest(config: Config, { base }: Setting): Promise<Plan> {
  const { authority, algorithm, subject, signer, successor } = config;
  checkEnterprise(authority, subject.enterprise);
  return {
    lines: [
      `${fileOf(config)}: a request for the ${authority} CA ${Object.values(subject).join(' / ')}`,
      `in ${signer.folder}: its key of ${algorithm}${successor ? ', beside the one in use' : ''}, which never leaves it`,
    ],
    perform: (sitting) =>
      withSigner(sitting, base, signer, async (open) => {
        const key = await keyFor(open, config);
        sitting.note(`key ${key.id} of ${key.algorithm}, generation ${key.generation}, for the ${authority} CA`);
        const der = await requestFor(open, key, config);
        await sitting.write(fileOf(config), encodePem('CERTIFICATE REQUEST', der));
        sitting.note(`request ${fileOf(config)} fingerprint ${fingerprintOf(der)}`);
      }),
  };
}

const fileOf = ({ authority }: Config) => `${authority}.csr`;

/** A key that waits for its certificate is used again: the ceremony before was interrupted, or its request lost. */
async function keyFor(signer: Signer, { authority, algorithm, subject, successor }: Config): Promise<KeyDescription> {
  const { organization, enterprise } = subject;
  const own = (await signer.keys())
    .filter((key) => key.purpose === authority && key.organization === organization && key.enterprise === enterprise)
    .filter(({ retiredAt }) => retiredAt === undefined)
    .toSorted((a, b) => a.generation - b.generation);
  const newest = own.at(-1);
  if (newest === undefined) {
    return signer.createKey({
      purpose: authority,
      algorithm,
      organization,
      ...(enterprise !== undefined && { enterprise }),
    });
  }
  if (newest.algorithm !== algorithm) {
    throw invalid([
      `algorithm: the key there is of ${newest.algorithm}, and a successor has the algorithm of its predecessor`,
    ]);
  }
  if (newest.certificate === undefined) return newest;
  if (successor) return signer.rotateKey(newest.id);
  throw invalid(['successor: this CA has its certificate already; say true to put a second one beside it']);
}

async function requestFor(signer: Signer, key: KeyDescription, { subject }: Config): Promise<Uint8Array> {
  const info = encodeCertificationRequestInfo({
    subject: nameOf(subjectOf(subject)),
    publicKey: { raw: key.publicKey },
  });
  const [signature] = await signer.sign([{ key: key.id, kind: 'request', bytes: info }]);
  return encodeCertificationRequest(info, { raw: SIGNATURE_ALGORITHMS[key.algorithm] }, signature!);
}
