import { toHex } from '@licet/format';
import type { Issuer } from '../../issue/issuer.ts';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import { withKey } from '../../keys/with-key.ts';
import type { Clock } from '../../ports/clock.ts';
import type { KeyDescription, Signer } from '../../ports/signer.ts';
import type { Profile } from '../../profiles/profile.ts';
import { bestFor, respondersOf } from './identities.ts';

export type RenewalDeps = {
  readonly signer: Signer;
  readonly issuer: Issuer;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly generations: () => Promise<readonly IssuerGeneration[]>;
  readonly report: (event: { readonly issuer: string; readonly error: unknown }) => void;
};

/**
 * Sees to it that each generation with an OCSP address has a responder with half of its life before it: several runs may
 * fail before anybody notices. The certificate is new, the key stays: it never leaves the signer, and a key each week
 * would fill every token. Returns how many were certified; one that fails is reported and does not stop the others.
 * What is to be done where the key of a CA was lost, the check of the keys says.
 */
export async function renewResponders(deps: RenewalDeps): Promise<number> {
  const now = deps.clock.now();
  const keys = await deps.signer.keys();
  const responders = respondersOf(keys);
  const spare = keys.filter(
    ({ purpose, retiredAt, certificate }) => purpose === 'ocsp' && retiredAt === undefined && certificate === undefined,
  );
  let renewed = 0;
  for (const generation of withKey(await deps.generations(), keys)) {
    const { certificate: issuer, addresses } = generation;
    if (addresses?.ocsp === undefined || issuer === undefined || now > issuer.notAfter) continue;
    const present = bestFor(generation, responders, now);
    if (present !== undefined && !isHalfOver(present.certificate, now)) continue;
    // At the end of the issuer's own life its responder cannot get a longer one.
    if (present?.certificate.notAfter.getTime() === issuer.notAfter.getTime()) continue;
    try {
      await certify(deps, generation, present?.key ?? takeSpare(spare, generation), now);
      renewed += 1;
    } catch (error) {
      deps.report({ issuer: generation.key, error });
    }
  }
  return renewed;
}

function isHalfOver({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }, now: Date): boolean {
  return now.getTime() >= (notBefore.getTime() + notAfter.getTime()) / 2;
}

/** One that was made and never certified, because a process died in between. */
function takeSpare(spare: KeyDescription[], { organization, enterprise, algorithm }: IssuerGeneration) {
  const index = spare.findIndex(
    (key) => key.organization === organization && key.enterprise === enterprise && key.algorithm === algorithm,
  );
  return index === -1 ? undefined : spare.splice(index, 1)[0];
}

async function certify(
  { signer, issuer, profile }: RenewalDeps,
  generation: IssuerGeneration,
  known: KeyDescription | undefined,
  now: Date,
): Promise<void> {
  const { algorithm, organization, enterprise } = generation;
  const tenant = { organization, ...(enterprise !== undefined && { enterprise }) };
  const key = known ?? (await signer.createKey({ purpose: 'ocsp', algorithm, ...tenant }));
  const { certificate } = await issuer.issue({
    profile,
    issuer: generation,
    key: { held: key },
    subject: { ...tenant, commonName: `OCSP responder ${toHex(generation.keyIdentifier).slice(0, 8)}` },
    // Each renewal is a request of its own.
    principal: `responder of ${generation.key} at ${now.toISOString()}`,
    keyOwner: `responder of ${generation.key}`,
    context: { principal: 'system:ocsp', authority: generation.key },
  });
  await signer.bindCertificate(key.id, certificate, generation.certificate!.der);
}
