import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Certificate, equalBytes } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { AuthorityError } from '../../errors.ts';
import { listKeyFiles } from '../../keys/offline.ts';
import type { KeyDescription } from '../../ports/signer.ts';
import { layAnchor } from '../../signer/anchors.ts';
import { writeAuthorityBundle } from '../bundle.ts';
import type { ConfigOf } from '../config/index.ts';
import { invalid } from '../config/invalid.ts';
import { type Chain, readChain, splitLinks } from '../issuer-file.ts';
import { withSigner } from '../unlock.ts';
import { certificateWords, fingerprintOf, sha256 } from '../words.ts';
import type { Plan, Setting } from './plan.ts';

type Config = ConfigOf<'accept'>;

/** The certificate that came back: checked up to the root, bound to its key, and laid where the server finds it. */
export async function planAccept(config: Config, { base, room }: Setting): Promise<Plan> {
  const { authority, signer } = config;
  const chainText = await readFile(resolve(base, config.chain), 'utf8');
  const { chain, links: brought } = splitLinks(readChain(chainText, config.chain));
  const linkTexts = await Promise.all(config.links.map(async (file) => readFile(resolve(base, file), 'utf8')));
  const links = [...brought, ...linkTexts.map((text, i) => readLink(text, config.links[i]!, chain))];
  checkChain(chain, config, room.clock.now());
  const folder = resolve(base, signer.folder);
  const key = await keyOf(chain, config, folder);
  return {
    lines: [
      `the ${authority} CA of the key ${key.id} in ${signer.folder} accepted, under the root ${fingerprintOf(chain.at(-1)!.der)}`,
      ...certificateWords(chain[0], { serial: true }).map((line) => `  ${line}`),
      `in ${signer.folder}: its chain, which the server starts with`,
      ...links.map(({ der }) => `  with the link of one root to another ${fingerprintOf(der)}`),
    ],
    async perform(sitting) {
      await sitting.keepInput('chain.pem', chainText);
      for (const [i, link] of linkTexts.entries()) await sitting.keepInput(`link-${i + 1}.pem`, link);
      // The CA right above may be followed by another; what vouches for both is the root, whose fingerprint was given.
      if (chain.length > 2) await layAnchor(join(folder, 'anchors'), chain.at(-1)!.der);
      await withSigner(sitting, base, signer, async (open) => {
        // Where the root is new, the link by which the older one vouches for it stands in its place.
        const issuer = links.find((link) => isFor(link, chain));
        await open.bindCertificate(key.id, chain[0].der, (issuer ?? chain[1] ?? chain[0]).der);
        await writeAuthorityBundle(folder, { key, chain, links });
        sitting.note(`certificate of key ${key.id} accepted, fingerprint ${fingerprintOf(chain[0].der)}`);
      });
    },
  };
}

/** Whom it leads to is for the server to see, which knows the other roots. */
function readLink(text: string, file: string, chain: Chain): Certificate {
  const [link, more] = readChain(text, file);
  const { links } = splitLinks([chain[0], link, chain.at(-1)!]);
  if (links.length === 1 && more === undefined) return link;
  throw invalid([`links: ${file} is not one certificate by which a root of this name vouches for another`]);
}

const isFor = (link: Certificate, chain: Chain): boolean =>
  chain[1] !== undefined && equalBytes(link.publicKey.raw, chain[1].publicKey.raw);

function checkChain(chain: Chain, { rootFingerprint }: Config, at: Date): void {
  const refuse = (why: string) => new AuthorityError('CEREMONY_INVALID', `The chain is not accepted: ${why}.`);
  const root = chain.at(-1)!;
  if (chain.length < 2) throw refuse('it holds one certificate only; the root belongs at its end');
  if (sha256(root.der) !== rootFingerprint) {
    throw refuse(`its root has the fingerprint ${fingerprintOf(root.der)}, which is not the one in the file`);
  }
  const intermediates = chain.slice(1, -1).map(({ der }) => der);
  const { ok, findings } = verifyPathSync(chain[0], { intermediates, anchors: [root.der], at });
  if (!ok) throw refuse(findings.map(({ code, detail }) => `${code} (${detail})`).join('; '));
}

async function keyOf([own]: Chain, { authority, signer }: Config, folder: string): Promise<KeyDescription> {
  const key = (await listKeyFiles(folder)).find(({ publicKey }) => equalBytes(publicKey, own.publicKey.raw));
  if (key === undefined) {
    throw new AuthorityError(
      'KEY_UNKNOWN',
      `The key of this certificate is not in ${signer.folder}; take the chain of its request.`,
    );
  }
  if (key.purpose === authority) return key;
  throw invalid([`authority: the key of this certificate is for "${key.purpose}"`]);
}
