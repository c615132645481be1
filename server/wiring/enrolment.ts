import { readFileSync } from 'node:fs';
import { toHex } from '@licet/format';
import { type Directory, issuerKeyOf, type Opened, shownChain } from '../authority/directory.ts';
import type { Route, Step } from '../http/routes.ts';
import type { IdentityUse } from '../http/api/endpoint.ts';
import { estRoutes } from '../http/est/routes.ts';
import { FETCH_LIMITS, fetchJson } from '../http/identity/guarded-fetch.ts';
import { createIdentityTokens } from '../http/identity/identity-tokens.ts';
import { KeySets } from '../http/identity/key-sets.ts';
import { inBatches } from '../jobs/housekeeping.ts';
import type { Job } from '../jobs/job.ts';
import type { Authenticator } from '../licensing/access/authenticate.ts';
import { isSecret } from '../licensing/access/secrets.ts';
import { presentByProof, type PresentDeps, presentLicense } from '../licensing/identity/present-license.ts';
import { createEnrolment, type ProtocolDeps } from '../licensing/identity/protocol-enrolment.ts';
import { createRenewalInfo } from '../licensing/identity/renewal-info.ts';
import type { Principal } from '../licensing/model/principal.ts';
import type { Dependencies } from '../licensing/use-case.ts';
import type { Log } from '../log/log.ts';
import { incidents, renewalLooks } from '../persistence/identity/renewal.ts';
import { identityStores } from '../persistence/identity/stores.ts';

export type EnrolmentGround = {
  readonly licensing: Dependencies;
  /** Of licenses that are shown. */
  readonly records: PresentDeps;
  readonly directory: Directory;
  readonly authenticator: Pick<Authenticator, 'bearer'>;
  readonly settings: {
    readonly est: { readonly requireChannelBinding: boolean; readonly serverKeyGeneration: boolean };
    readonly identities: { readonly privateIssuers: readonly string[]; readonly ca?: string | undefined };
  };
  readonly renew: ProtocolDeps['renew'];
  /** How often one address may ask; renewals go through when the limiter fails. */
  readonly limits: readonly Step[];
  /** How often one site, token or organization may. */
  readonly limit: (principal: Principal) => Promise<void>;
  readonly log: Log;
};

const BATCH = 1000;
/** How sites and builds get their licenses, and hear when to renew them. */
export function enrolment(ground: EnrolmentGround): {
  readonly routes: readonly Route[];
  /** For the API: identities of builds, and when to renew. */
  readonly identity: IdentityUse;
  readonly jobs: readonly Job[];
} {
  const { licensing, records, authenticator, settings, limits, limit, log, renew } = ground;
  const { clock, random, transactions } = licensing;
  const routes = estRoutes({
    enrolment: createEnrolment({ ...licensing, renew, authorities: authoritiesOf(ground) }),
    present: (shown) => presentLicense(shown, records),
    presentByProof: (request) => presentByProof(request, records),
    principalOf: async (secret) =>
      isSecret('api', secret) ? (await authenticator.bearer(secret)).principal : undefined,
    settings: settings.est,
    limits,
    limit,
    random,
    log,
  });
  const { ca, privateIssuers } = settings.identities;
  const guard = {
    ...FETCH_LIMITS,
    privateHosts: privateIssuers,
    ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
  };
  const keySets = new KeySets({ clock, log, fetchJson: (address) => fetchJson(address, guard) });
  const tokens = createIdentityTokens({ keySets, clock });
  return {
    routes,
    identity: {
      identities: identityStores,
      tokens,
      incidents,
      renewalInfo: createRenewalInfo({ transactions, clock, looks: renewalLooks }),
      rootOf: async (organization) => (await organizationOf(ground, organization))?.generation.chain.at(-1)?.der,
    },
    jobs: [
      {
        name: 'prune-used-identities',
        cron: '47 * * * *',
        timeoutSeconds: 300,
        run: (context) =>
          inBatches(transactions, context, (tx) => identityStores.used.prune(tx, clock.now(), BATCH), BATCH),
      },
    ],
  };
}

const organizationOf = ({ directory }: Pick<EnrolmentGround, 'directory'>, organization: string) =>
  directory.active({ organization, kind: 'organization', enterprise: undefined, contract: undefined });

/** The CAs above the licenses of an enterprise, or of all; each once, the roots last. */
function authoritiesOf({ directory }: Pick<EnrolmentGround, 'directory'>): ProtocolDeps['authorities'] {
  return async (organization, enterprise) => {
    const { slug, contracts = [] } = enterprise ?? {};
    const served = ({ authority: { contract } }: Opened) => contract === undefined || contracts.includes(contract);
    const issuing = await directory.inUse(organization, 'enterprise', slug);
    const above = await directory.inUse(organization, 'organization');
    const heights = new Map<string, { readonly der: Uint8Array; readonly height: number }>();
    for (const opened of [...(enterprise === undefined ? issuing : issuing.filter(served)), ...above]) {
      const chain = shownChain(opened);
      for (const [depth, { der }] of chain.entries()) heights.set(toHex(der), { der, height: chain.length - depth });
      // RFC 7030 §4.1.3: with the certificates that link them the other roots, whom somebody may trust alone.
      for (const link of opened.links) {
        const der = (await directory.byKeyIdentifier(issuerKeyOf(link)))?.authority.certificate;
        if (der !== undefined) heights.set(toHex(der), { der, height: 1 });
      }
    }
    return [...heights.values()].toSorted((a, b) => b.height - a.height).map(({ der }) => der);
  };
}
