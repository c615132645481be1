import { type Certificate, OID } from '@licet/format';
import { AuthorityError } from '../../errors.ts';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import type { KeyDescription, Signer } from '../../ports/signer.ts';
import type { ConfigOf } from '../config/index.ts';
import { certify, type Order, PROFILES } from '../desk.ts';
import { draftCertificate, draftKey } from '../draft.ts';
import { readIssuer } from '../issuer-file.ts';
import { makeRoot, type RootSubject, rootWords } from '../root-key.ts';
import { withSigner } from '../unlock.ts';
import { certificateWords } from '../words.ts';
import type { Plan, Setting } from './plan.ts';

type Config = ConfigOf<'rollover'>;

/**
 * A second root of the same name. Each certifies the key of the other, so that nobody is cut off, whichever of the two
 * they trust: `new-with-old.pem` leads those who have the old root to what is below the new one, `old-with-new.pem`
 * the others to what is still below the old one.
 */
export async function planRollover(config: Config, { base, room }: Setting): Promise<Plan> {
  const { issuer: old, chainText } = await readIssuer(config.old, base, 'root');
  const oldCertificate = old.certificate!;
  const subject = subjectOf(oldCertificate);
  const role = { purpose: 'root', algorithm: config.algorithm, organization: subject.organization } as const;
  const draft = draftCertificate(linkOrder(old, await draftKey(role, room), subject, oldCertificate), room);
  return {
    lines: [
      ...(await rootWords(config, subject, room)),
      'new-with-old.pem: the key of the new root, certified by the old one',
      ...certificateWords(draft, { serial: false }).map((line) => `  ${line}`),
      'old-with-new.pem: the key of the old root, certified by the new one',
    ],
    async perform(sitting) {
      await sitting.keepInput('old.pem', chainText);
      await makeRoot(sitting, config, { subject, base }, async (newSigner, root) => {
        const newKey = await keyOf(newSigner, root);
        await withSigner(sitting, base, config.old.signer, async (oldSigner) => {
          const forward = linkOrder(old, newKey, subject, root.certificate!);
          await sitting.writeCertificate('new-with-old.pem', await certify(sitting.desk(oldSigner), forward));
          const back = linkOrder(root, await keyOf(oldSigner, old), subject, oldCertificate);
          await sitting.writeCertificate('old-with-new.pem', await certify(sitting.desk(newSigner), back));
        });
      });
    },
  };
}

/** Never longer than the root for whose key it speaks. */
function linkOrder(
  issuer: IssuerGeneration,
  held: KeyDescription,
  subject: RootSubject,
  { notAfter: until }: Certificate,
): Order {
  return { profile: PROFILES.link, issuer, key: { held }, subject, until };
}

async function keyOf(signer: Signer, { key }: IssuerGeneration): Promise<KeyDescription> {
  const found = (await signer.keys()).find(({ id }) => id === key);
  if (found === undefined) throw new AuthorityError('KEY_UNKNOWN', `There is no key ${key} here.`);
  return found;
}

function subjectOf({ subject }: Certificate): RootSubject {
  const value = (type: string) => subject.rdns.flat().find(({ oid }) => oid === type)?.value ?? '';
  return { organization: value(OID.organizationName), commonName: value(OID.commonName) };
}
