import { readFileSync } from 'node:fs';
import { translated } from '../authority/errors.ts';
import type { Fence } from '../authority/fence.ts';
import type { Config } from '../config/index.ts';
import {
  countPrincipal,
  type GuardDeps,
  type Guards,
  guardsFor,
  limitAddress,
  type OnFailure,
} from '../http/access/guards.ts';
import { createIdentityProviders } from '../http/access/oidc/providers.ts';
import type { AccessUse, Open } from '../http/api/endpoint.ts';
import { FETCH_LIMITS, fetchJson } from '../http/identity/guarded-fetch.ts';
import type { Step } from '../http/routes.ts';
import { accessHousekeeping } from '../jobs/access-housekeeping.ts';
import type { Job } from '../jobs/job.ts';
import type { Action } from '../licensing/access/actions.ts';
import { type Authenticator, createAuthenticator } from '../licensing/access/authenticate.ts';
import type { PresentDeps } from '../licensing/identity/present-license.ts';
import { authenticateLicense, authenticateSignature } from '../licensing/access/authenticate-license.ts';
import { createLimiter } from '../licensing/access/limits.ts';
import { createMonthlyRequests } from '../licensing/access/monthly.ts';
import { createPasswords } from '../licensing/access/passwords.ts';
import { createSealer } from '../licensing/access/seal.ts';
import type { Principal } from '../licensing/model/principal.ts';
import { sendInvitation } from '../licensing/notices/send-mail.ts';
import type { Dependencies } from '../licensing/use-case.ts';
import type { Stage } from '../lifecycle.ts';
import type { Log } from '../log/log.ts';
import { accessStores } from '../persistence/access/index.ts';
import { identityStores } from '../persistence/identity/stores.ts';
import { sealingKey } from '../sealing-key.ts';

export type AccessGround = {
  readonly config: Config;
  readonly licensing: Dependencies;
  /** Of licenses that are shown. */
  readonly records: PresentDeps;
  readonly fence: Pick<Fence, 'assertOpen'>;
  readonly log: Log;
  /** How browsers reach this server; known once it listens. */
  readonly publicUrl: () => string;
};

export type Access = {
  /** For the use cases of `licensing/access`. */
  readonly deps: AccessUse;
  readonly authenticator: Authenticator;
  /** For routes that name their action. */
  guardsFor(action: Action | Open): Guards;
  /** For routes that find out by themselves who asks. */
  limitAddress(failure: OnFailure): Step;
  /** The same once they have: rejects who renews too often. */
  limitRenewals(principal: Principal): Promise<void>;
  readonly jobs: readonly Job[];
  /** To be stopped after the listeners and before the database. */
  readonly stage: Stage;
};

/** When tokens were last used, and how many requests were made, is written down this often, and at the end. */
const FLUSH_MS = 10_000;

/** Who gets in, how often, and what becomes of what is counted. */
export function openAccess(ground: AccessGround): Access {
  const { config, licensing, records, fence, log } = ground;
  const { transactions, clock, random, auditLog, outbox, stores } = licensing;
  const sealer = createSealer(sealingKey(config, random), random);
  const common = { transactions, clock, random, auditLog, outbox, organizations: stores.organizations };
  const authenticator = createAuthenticator({ ...common, stores: accessStores });
  const deps: AccessUse = {
    ...common,
    stores: accessStores,
    forgetTokens: () => authenticator.forget(),
    sealer,
    issuers: config.access.issuers,
    passwords: createPasswords(random),
    times: timesOf(config),
    providers: createIdentityProviders({ fetchJson: fetcherOf(config), clock, log }),
    publicUrl: ground.publicUrl,
    ...(config.mail.host !== undefined && { sendInvitation: sendInvitation(common, sealer, stores.deliveries) }),
  };
  const { contracts, plans } = stores;
  const monthly = createMonthlyRequests({ transactions, clock, contracts, plans, quotas: accessStores.quotas });
  const limiter = createLimiter(ratesOf(config), clock);
  const { tls, clientCertificateHeader } = config.http;
  const showsLicense = tls.requestClientCertificate || clientCertificateHeader !== undefined;
  const license = showsLicense ? licenseAsPrincipal(records) : undefined;
  const signature = signerAsPrincipal(licensing, records);
  const assertUnfenced = unfenced(fence);
  const guards: GuardDeps = { authenticator, license, signature, limiter, monthly, assertUnfenced, log };
  return {
    deps,
    authenticator,
    guardsFor: (action) => guardsFor(action, guards),
    limitAddress: (failure) => limitAddress(guards, failure),
    limitRenewals: (principal) => countPrincipal(principal, 'license.renew', guards, 'open'),
    jobs: accessHousekeeping({ transactions, clock, stores: accessStores, sessionDays: config.retention.sessionDays }),
    stage: flushNowAndThen([authenticator, monthly], log),
  };
}

/** Rejects in the words of the domain while the fence is closed. */
export const unfenced =
  (fence: Pick<Fence, 'assertOpen'>): GuardDeps['assertUnfenced'] =>
  () =>
    translated(Promise.try(() => fence.assertOpen()));

/** Which site a license stands for. */
export function licenseAsPrincipal(records: PresentDeps): NonNullable<GuardDeps['license']> {
  return (shown) => authenticateLicense(shown, records);
}

/** The same by a signature, which is noted where the tokens of others that are good for one use are noted. */
export function signerAsPrincipal(licensing: Dependencies, records: PresentDeps): GuardDeps['signature'] {
  const { transactions, random } = licensing;
  const deps = {
    ...records,
    useOnce: ({ organization, serial }: { organization: string; serial: string }, nonce: string, until: Date) => {
      const used = { organization, issuer: `license:${serial}`, id: nonce, expiresAt: until };
      // By nobody else, and not again by this one: so not by the request, which would be the same.
      return transactions.run({ organization }, (tx) => identityStores.used.use(tx, used, random.bytes(16)));
    },
  };
  return (signed) => authenticateSignature(signed, deps);
}

function ratesOf({ access: { limits } }: Config) {
  const rate = (perSecond: number) => ({ burst: Math.max(1, Math.ceil(2 * perSecond)), everySeconds: 1 / perSecond });
  return {
    organization: rate(limits.organizationPerSecond),
    token: rate(limits.tokenPerSecond),
    site: rate(limits.sitePerSecond),
    address: rate(limits.addressPerSecond),
  };
}

const timesOf = ({ access: { sessions } }: Config) => ({
  accessSeconds: sessions.accessMinutes * 60,
  idleSeconds: sessions.idleHours * 60 * 60,
  totalSeconds: sessions.totalDays * 24 * 60 * 60,
});

function fetcherOf({ identities: { ca, privateIssuers } }: Config) {
  const guard = {
    ...FETCH_LIMITS,
    privateHosts: privateIssuers,
    ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
  };
  return (address: string, form?: Parameters<typeof fetchJson>[2]) => fetchJson(address, guard, form);
}

function flushNowAndThen(counted: readonly { flush(): Promise<void> }[], log: Log): Stage {
  const flush = async (): Promise<void> => {
    for (const one of counted) {
      await one
        .flush()
        .catch((error: unknown) => log.warn({ err: error }, 'what was counted could not be written down'));
    }
  };
  const timer = setInterval(() => void flush(), FLUSH_MS).unref();
  return {
    name: 'request counts',
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
