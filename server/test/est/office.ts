import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { type Issuer, type IssuerGeneration } from '@licet/authority';
import { claims, makeCsr, PROFILES, Workshop } from '@licet/authority/workshop';
import { type Bytes, type CertificationRequest, type Claims, decodeCertificate, encodePem, toHex } from '@licet/format';
import { LicetError } from '../../licensing/errors.ts';
import { presentByProof, type PresentDeps, presentLicense } from '../../licensing/identity/present-license.ts';
import type { Limiter } from '../../licensing/access/limits.ts';
import type { License } from '../../licensing/model/license.ts';
import type { EnrolAnswer, Enrolment } from '../../licensing/ports/enrolment.ts';

const SITE = 'plant-7';

/**
 * The smallest office that gives licenses: the real authority with everything that it checks, and of the domain only
 * what the protocol shows (a token is used once, a predecessor has one successor). The domain itself has its own tests.
 */
export class Office implements Enrolment {
  readonly workshop = new Workshop();
  readonly asked: string[] = [];
  /** Whether the last applicant could come again with the same key. */
  mayWait: boolean | undefined;
  /** How often a site may ask. */
  limiter: Limiter | undefined;
  /** What the next request is answered with, instead of a license. */
  instead: (() => EnrolAnswer) | undefined;
  readonly #tokens = new Map<string, string | undefined>();
  readonly #licenses = new Map<string, { row: License; chain: readonly Bytes[]; successor?: string }>();
  #authorities: { root: IssuerGeneration; enterprise: IssuerGeneration; rights: Claims } | undefined;

  async open(change: Partial<Claims> = {}): Promise<void> {
    // The tools that judge have the clock of the machine.
    this.workshop.now = new Date(Math.floor(Date.now() / 1000) * 1000);
    const { workshop } = this;
    const year = 365 * 86_400_000;
    const now = workshop.now.getTime();
    const rights = claims({ ...change, term: { from: new Date(now - year), to: new Date(now + 2 * year) } });
    const root = await workshop.root();
    const organization = await workshop.ca(root, 'organization', 'P-256', { claims: rights });
    const enterprise = await workshop.ca(organization, 'enterprise', 'P-256', { claims: rights });
    this.#authorities = { root, enterprise, rights };
  }

  token(): string {
    const token = `licet_enrol_${randomBytes(24).toString('base64url')}`;
    this.#tokens.set(token, undefined);
    return token;
  }

  /** A TLS server of the organization, under the same root as the licenses. */
  async serverCertificate(): Promise<{ cert: string; key: string; root: string }> {
    const { root } = this.#known();
    const service = await this.workshop.ca(root, 'service');
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { certificate } = await this.#issuer().issue({
      profile: PROFILES.service,
      issuer: service,
      key: { csr: makeCsr('P-256', { keys }) },
      subject: { organization: 'acme', commonName: 'localhost' },
      hosts: [
        { kind: 'dns', value: 'localhost' },
        { kind: 'ip', bytes: Uint8Array.of(127, 0, 0, 1) },
      ],
      principal: 'test server',
      keyOwner: 'test server',
      context: { by: 'test' },
    });
    const chain = [certificate, ...service.chain.slice(0, -1).map(({ der }) => der)];
    return {
      cert: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
      key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      root: encodePem('CERTIFICATE', root.certificate!.der),
    };
  }

  readonly present = (shown: Bytes) => presentLicense(shown, this.#records);
  readonly presentByProof = (request: CertificationRequest) => presentByProof(request, this.#records);

  readonly #records: PresentDeps = {
    clock: this.workshop.clock,
    record: (_organization, serial) => {
      const found = this.#licenses.get(serial);
      const { row } = found ?? {};
      if (found === undefined || row === undefined) return Promise.resolve(undefined);
      const { notBefore, notAfter } = row;
      const issued = { serial, chain: found.chain, notBefore, notAfter, fresh: false };
      return Promise.resolve({ issued, license: { ...row, siteStatus: 'active' } });
    },
  };

  async enrol({ applicant, label, csr, mayWait }: Parameters<Enrolment['enrol']>[0]): Promise<EnrolAnswer> {
    this.mayWait = mayWait;
    this.#checkLabel(label);
    if (applicant.kind !== 'token') return this.#give(csr, `principal ${applicant.principal.id}`, undefined);
    if (!this.#tokens.has(applicant.token)) {
      throw new LicetError('forbidden', 'TOKEN_UNKNOWN', 'This enrolment token is not known; ask for a new one.');
    }
    const request = createHash('sha256').update(csr).digest('hex');
    const used = this.#tokens.get(applicant.token);
    if (used !== undefined && used !== request) {
      throw new LicetError('forbidden', 'TOKEN_USED', 'This enrolment token is used; ask for a new one.');
    }
    this.#tokens.set(applicant.token, request);
    return this.#give(csr, `token ${applicant.token}`, undefined);
  }

  async renew({ predecessor, label, csr }: Parameters<Enrolment['renew']>[0]): Promise<EnrolAnswer> {
    this.#checkLabel(label);
    const held = this.#licenses.get(predecessor.serial)!;
    const request = createHash('sha256').update(csr).digest('hex');
    if (held.successor !== undefined && held.successor !== request) {
      throw new LicetError('conflict', 'LINEAGE_FORKED', 'This license was renewed by another machine; call support.');
    }
    held.successor = request;
    return this.#give(csr, `after ${predecessor.serial}`, predecessor.serial);
  }

  caCertificates(label: Parameters<Enrolment['caCertificates']>[0]): Promise<readonly Bytes[]> {
    this.#checkLabel(label);
    return Promise.resolve(this.#known().enterprise.chain.map(({ der }) => der));
  }

  setStatus(serial: string, status: License['status']): void {
    const held = this.#licenses.get(serial)!;
    held.row = { ...held.row, status };
  }

  #checkLabel(label: Parameters<Enrolment['caCertificates']>[0]): void {
    if (label !== undefined && (label.enterprise !== 'globex' || (label.organization ?? 'acme') !== 'acme')) {
      throw new LicetError('not-found', 'LABEL_UNKNOWN', 'No enterprise is served under this address.');
    }
  }

  async #give(csr: Bytes, principal: string, predecessor: string | undefined): Promise<EnrolAnswer> {
    this.asked.push(principal);
    if (this.instead !== undefined) return this.instead();
    const { enterprise } = this.#known();
    const { certificate } = await this.#issuer().issue({
      profile: PROFILES.site,
      issuer: enterprise,
      key: { csr },
      subject: { organization: 'acme', enterprise: 'globex', commonName: SITE },
      claims: this.#known().rights,
      principal,
      keyOwner: 'lineage 1',
      context: { site: SITE },
    });
    const { serial: octets, notBefore, notAfter } = decodeCertificate(certificate);
    const serial = toHex(octets);
    const row = rowOf({ serial, predecessor, notBefore, notAfter, issuerKey: enterprise.key });
    this.#licenses.set(serial, { row, chain: [certificate, ...enterprise.chain.map(({ der }) => der)] });
    return { outcome: 'issued', certificate };
  }

  #known() {
    if (this.#authorities === undefined) throw new Error('open() comes first');
    return this.#authorities;
  }

  #issuer(): Issuer {
    return this.workshop.issuer;
  }
}

type OwnFields = Pick<License, 'serial' | 'predecessor' | 'notBefore' | 'notAfter' | 'issuerKey'>;

const rowOf = (own: OwnFields): License => ({
  organization: 'acme',
  enterprise: '00000000-0000-7000-8000-000000000001',
  contract: '00000000-0000-7000-8000-000000000002',
  site: '00000000-0000-7000-8000-000000000003',
  lineage: '00000000-0000-7000-8000-000000000004',
  sequence: 1,
  mode: 'production',
  status: 'current',
  publicKey: new Uint8Array(32),
  renewal: undefined,
  reissuedAs: undefined,
  ...own,
});
