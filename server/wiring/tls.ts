import { hostname } from 'node:os';
import { chainOfServices, issueServiceCertificate } from '../authority/service-certificates.ts';
import { systemClock as clock } from '../clock.ts';
import { ownTlsFileOf, serverNamesOf, tlsModeOf } from '../effective.ts';
import type { Ground } from '../ground.ts';
import { LicetError } from '../licensing/errors.ts';
import { TlsMaterialError } from '../tls/context.ts';
import { type WatchedTls, watchTlsFiles } from '../tls/files.ts';
import { keepOwnTls } from '../tls/own.ts';
import type { AuthorityParts } from './authority.ts';

/** TLS by files needs nothing else: what is wrong with them is said before anything is opened. */
export function openTlsFiles({ config, log, metrics }: Ground): WatchedTls | undefined {
  const { certificate, key } = config.http.tls;
  if (tlsModeOf(config) !== 'files' || certificate === undefined || key === undefined) return undefined;
  return watchTlsFiles({ certificate, key }, { clock, log, metrics });
}

export async function openOwnTls(ground: Ground, authority: AuthorityParts): Promise<WatchedTls | undefined> {
  const { config, log, metrics } = ground;
  if (tlsModeOf(config) !== 'own') return undefined;
  const names = serverNamesOf(config);
  const organizationOf = async () => (await authority.directory.serviceOrganization()) ?? config.authority.organization;
  try {
    return await keepOwnTls({
      file: ownTlsFileOf(config),
      names,
      async certify(csr) {
        const organization = await organizationOf();
        return issueServiceCertificate(authority, { organization, names, csr, principal: `server ${hostname()}` });
      },
      above: async () => chainOfServices(authority.directory, await organizationOf()),
      clock,
      log,
      metrics,
    });
  } catch (error) {
    if (!(error instanceof LicetError)) throw error;
    throw new TlsMaterialError(`There is no certificate for http.tls.mode "own": ${error.message}`, { cause: error });
  }
}
