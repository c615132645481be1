import { isIP } from 'node:net';
import { type Host, type Issuer, loadProfiles } from '@licet/authority';
import { LicetError } from '../licensing/errors.ts';
import { type Directory, type Opened, shownChain } from './directory.ts';
import { translated } from './errors.ts';
import type { Fence } from './fence.ts';

export type ServiceCertificatesDeps = { readonly issuer: Issuer; readonly directory: Directory; readonly fence: Fence };

export type ServiceOrder = {
  readonly organization: string;
  /** Host names and addresses; the first is also the common name. */
  readonly names: readonly string[];
  readonly csr: Uint8Array;
  /** Who asks: the same request of the same principal has one certificate. */
  readonly principal: string;
};

/** TLS certificates from the service CA, DER, the root left out: a TLS server sends what lies below it. */
export async function issueServiceCertificate(
  { issuer, directory, fence }: ServiceCertificatesDeps,
  { organization, names, csr, principal }: ServiceOrder,
): Promise<readonly Uint8Array[]> {
  const by = await inOffice(directory, organization);
  if (by === undefined) {
    throw new LicetError(
      'unavailable',
      'AUTHORITY_MISSING',
      `The organization "${organization}" has no service CA: make one by the ceremony, or give TLS certificate files.`,
    );
  }
  const hosts = names.map(hostOf);
  const commonName = names[0]!;
  const { certificate } = await translated(
    Promise.resolve().then(() => {
      fence.assertOpen();
      return issuer.issue({
        profile: loadProfiles().service,
        issuer: by.generation,
        key: { csr },
        subject: { organization, commonName },
        hosts,
        principal,
        keyOwner: principal,
        context: { principal },
      });
    }),
  );
  return [certificate, ...shownAbove(by)];
}

/** What stands above a certificate that is issued now, as a TLS server sends it; undefined without a service CA. */
export async function chainOfServices(
  directory: Directory,
  organization: string,
): Promise<readonly Uint8Array[] | undefined> {
  const by = await inOffice(directory, organization);
  return by && shownAbove(by);
}

const inOffice = (directory: Directory, organization: string): Promise<Opened | undefined> =>
  directory.active({ organization, kind: 'service', enterprise: undefined, contract: undefined });

const shownAbove = (by: Opened): Uint8Array[] =>
  shownChain(by)
    .slice(0, -1)
    .map(({ der }) => der);

function hostOf(name: string): Host {
  const family = isIP(name);
  if (family === 0) return { kind: 'dns', value: name.toLowerCase() };
  return { kind: 'ip', bytes: family === 4 ? ipv4(name) : ipv6(name) };
}

const ipv4 = (text: string): Uint8Array => Uint8Array.from(text.split('.'), Number);

/** RFC 4291 §2.2; `isIP` has judged the form. */
function ipv6(text: string): Uint8Array {
  const [address = ''] = text.split('%');
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const [head = '', tail] = (dotted?.[1] ?? address).split('::');
  const groups = (part: string) =>
    part.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16)]));
  const octets = (part: string) => groups(part).flatMap((group) => [group >> 8, group & 0xff]);
  const front = octets(head);
  const back = [...octets(tail ?? ''), ...(dotted === null ? [] : ipv4(dotted[2]!))];
  return Uint8Array.from([...front, ...Array<number>(16 - front.length - back.length).fill(0), ...back]);
}
