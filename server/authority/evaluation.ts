import {
  createHierarchy,
  type CertificateStore,
  type Issuer,
  type IssuerGeneration,
  type KeyAlgorithm,
  loadProfiles,
  type Signer,
} from '@licet/authority';
import { type Claims, compareCodes, decodeCertificate, DEGRADES, type Limit, MODES } from '@licet/format';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Random } from '../licensing/ports/random.ts';
import type { Directory, Opened } from './directory.ts';
import type { Authority, AuthorityKind } from './ports/authorities.ts';

export type EvaluationDeps = {
  readonly signer: Signer;
  readonly store: CertificateStore;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: Random;
  readonly publish: { readonly base: string; readonly shards: number };
  readonly algorithm: KeyAlgorithm;
};

const YEAR_MS = 365.25 * 86_400_000;
const MONTH_SECONDS = 30 * 86_400;

/** What the evaluation may license to begin with; `createWidening` gives it whatever a contract needs besides. */
function evaluationClaims(now: Date): Claims {
  const from = new Date(Date.UTC(now.getUTCFullYear(), 0, 1));
  return {
    id: '00000000-0000-4000-8000-000000000001',
    sequence: 1,
    modes: MODES,
    tier: { rank: 65_535, code: 'any' },
    features: ['demo'],
    limits: [],
    term: { from, to: new Date(from.getTime() + 5 * YEAR_MS) },
    grace: MONTH_SECONDS,
    contact: MONTH_SECONDS,
    degrade: 'warn',
  };
}

/**
 * Root, organization CA and service CA, with the code of the ceremony; what is there already is kept. `beforeSaving`
 * runs when the journal knows of them and the database does not yet.
 */
export async function createEvaluation(
  deps: EvaluationDeps,
  organization: string,
  beforeSaving: () => Promise<void>,
): Promise<void> {
  const { signer, directory, publish, algorithm, clock } = deps;
  const made = await createHierarchy({
    ...deps,
    signers: { root: signer, online: signer },
    algorithm,
    organization,
    names: {
      root: `${organization} Evaluation Root (not offline)`,
      organization: `${organization} License CA`,
      service: `${organization} Service CA`,
    },
    base: publish.base,
    shards: publish.shards,
    claims: evaluationClaims(clock.now()),
  });
  await beforeSaving();
  const row = (kind: AuthorityKind, parent?: IssuerGeneration) =>
    rowOf(made[kind as keyof typeof made], kind, clock, parent);
  await directory.saveAll([row('root'), row('organization', made.root), row('service', made.root)]);
}

function rowOf(generation: IssuerGeneration, kind: AuthorityKind, clock: Clock, parent?: IssuerGeneration): Authority {
  const { key, organization, algorithm, keyIdentifier, addresses, certificate } = generation;
  if (addresses === undefined || certificate === undefined) throw new Error(`The ${kind} has no certificate yet.`);
  return {
    key,
    organization,
    kind,
    enterprise: undefined,
    contract: undefined,
    algorithm,
    parent: parent?.key,
    held: true,
    keyIdentifier,
    certificate: certificate.der,
    addresses,
    status: 'active',
    createdAt: clock.now(),
  };
}

/**
 * In an evaluation the root is at hand, so the organization's CA is given whatever a contract needs: who tries a product
 * of their own is not sent to a ceremony. In production this is a decision, made at the safe.
 */
export function createWidening({ directory, signer }: EvaluationDeps, issuer: Issuer) {
  return async (opened: Opened, claims: Claims): Promise<Opened> => {
    const { authority, generation } = opened;
    const root = authority.parent === undefined ? undefined : await directory.find(authority.parent);
    const key = (await signer.keys()).find(({ id }) => id === authority.key);
    if (root?.authority.held !== true || key === undefined || generation.claims === undefined) {
      return opened;
    }
    const wider = join(generation.claims, claims);
    const commonName = generation.name?.rdns.flat().at(-1)?.value ?? '';
    const { certificate } = await issuer.issue({
      profile: loadProfiles().organization,
      issuer: root.generation,
      key: { held: key },
      subject: { organization: authority.organization, commonName },
      claims: wider,
      principal: `evaluation ${key.id} claims ${wider.sequence}`,
      // A key keeps its owner: as the ceremony named it, or as a rollover did.
      keyOwner: key.generation === 1 ? `organization ${authority.organization}//${commonName}` : `authority ${key.id}`,
      context: { principal: 'system:evaluation' },
    });
    await signer.bindCertificate(key.id, certificate, root.authority.certificate);
    await directory.save({ ...authority, certificate: decodeCertificate(certificate).der });
    return (await directory.find(authority.key))!;
  };
}

/** The least claims above both: the other way round than a chain goes. */
function join(a: Claims, b: Claims): Claims {
  const { binding: _binding, reporting: _reporting, ...common } = a;
  return {
    ...common,
    sequence: a.sequence + 1,
    tier: a.tier.rank >= b.tier.rank ? a.tier : b.tier,
    features: [...new Set([...a.features, ...b.features])].sort(compareCodes),
    limits: [...a.limits, ...b.limits].reduce(joinLimit, []).sort((x, y) => compareCodes(x.code, y.code)),
    term: {
      from: a.term.from < b.term.from ? a.term.from : b.term.from,
      to: a.term.to > b.term.to ? a.term.to : b.term.to,
    },
    grace: Math.max(a.grace, b.grace),
    contact: Math.max(a.contact, b.contact),
    degrade: DEGRADES.find((degrade) => degrade === a.degrade || degrade === b.degrade) ?? a.degrade,
  };
}

function joinLimit(limits: readonly Limit[], { code }: Limit): Limit[] {
  const others = limits.filter((limit) => limit.code !== code);
  return [...others, { code, max: 'unlimited', scope: 'each', enforce: 'report' }];
}
