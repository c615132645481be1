import type { Bytes, CertificationRequest } from '@licet/format';
import type { Request } from 'express';
import { LicetError } from '../../licensing/errors.ts';
import { namesPredecessor } from '../../licensing/identity/present-license.ts';
import { checkRenewedNames } from '../../licensing/identity/renewed-names.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type {
  EnrolAnswer,
  EnrolRequest,
  Enrolment,
  EnterpriseLabel,
  PresentedLicense,
} from '../../licensing/ports/enrolment.ts';
import type { Random } from '../../licensing/ports/random.ts';
import type { Log } from '../../log/log.ts';
import { clientCertificate } from '../client-certificate.ts';
import type { Step } from '../routes.ts';
import { checkChannelBinding } from './channel-binding.ts';
import { httpSecret } from './credentials.ts';
import { readLabel } from './label.ts';
import { readRequest } from './request-body.ts';
import { unauthenticated } from './refusal.ts';
import { type Wrapping, wrappingOf } from './transfer.ts';

export type EstDeps = {
  readonly enrolment: Enrolment;
  /**
   * Judges the license of a TLS client that has shown to hold its key: chain, dates, state. One that is expired but
   * within its grace is let through and marked so. Everything else rejects as forbidden.
   */
  readonly present: (shown: Bytes) => Promise<PresentedLicense>;
  /** The same by what the request itself says and proves, where no TLS handshake shows the license. */
  readonly presentByProof: (request: CertificationRequest) => Promise<PresentedLicense>;
  /** Who has this API token; undefined when the text is no API token by its looks: then it is a one-time token. */
  readonly principalOf: (secret: string) => Promise<Principal | undefined>;
  readonly settings: {
    readonly requireChannelBinding: boolean;
    readonly serverKeyGeneration: boolean;
  };
  /** How often, in front of every operation. */
  readonly limits: readonly Step[];
  /** How often the one who asks, once it is known who that is. */
  readonly limit: (principal: Principal) => Promise<void>;
  readonly random: Random;
  readonly log: Log;
};

/** A request with all that was found out about who sent it, before anything is done for it. */
export type Asked = {
  readonly request: CertificationRequest;
  readonly label: EnterpriseLabel | undefined;
  readonly wrapping: Wrapping;
  /** It is a license that asks, whatever it calls the operation: for the next of its lineage. */
  readonly renews: boolean;
  /** Issues for this request, or for another one of the same asker. `mayWait`: it can be sent again. */
  readonly issue: (csr: Bytes, mayWait: boolean) => Promise<EnrolAnswer>;
};

type Asker = EnrolRequest['applicant'] | PresentedLicense;

/** RFC 7030 §4.2: who asks, for what, and what binds the one to the other. */
export async function readAsked(request: Request, reenrols: boolean, deps: EstDeps): Promise<Asked> {
  const label = readLabel(request.params['label'] as string | undefined);
  const known = await (reenrols ? renewer(request, deps) : applicant(request, deps));
  const body = request.body as Buffer;
  const csr = readRequest(body);
  const asker = known ?? (await byProof(csr, deps));
  if ('principal' in asker) await deps.limit(asker.principal);
  checkChannelBinding(request.socket, csr.challengePassword, deps.settings.requireChannelBinding);
  const wrapping = wrappingOf(body);
  const { enrolment } = deps;
  const common = { request: csr, label, wrapping };
  if ('kind' in asker) {
    const issue = (der: Bytes, mayWait: boolean) => enrolment.enrol({ applicant: asker, label, csr: der, mayWait });
    return { ...common, renews: false, issue };
  }
  checkRenewedNames(csr, asker.certificate);
  return { ...common, renews: true, issue: (der) => enrolment.renew({ predecessor: asker, label, csr: der }) };
}

async function applicant(request: Request, deps: EstDeps): Promise<Asker> {
  const given = httpSecret(request);
  if (given !== undefined) {
    const principal = await deps.principalOf(given.secret);
    return principal === undefined ? { kind: 'token', token: given.secret } : { kind: 'principal', principal };
  }
  const shown = clientCertificate(request);
  if (shown === undefined) throw unauthenticated();
  // A site that shows its license has enrolled: whatever it calls the operation, what it can have is the next license.
  return deps.present(shown);
}

/** RFC 7030 §4.2.2: the license that is renewed is the one that the TLS client shows. Undefined: it shows none. */
async function renewer(request: Request, { present }: EstDeps): Promise<Asker | undefined> {
  const shown = clientCertificate(request);
  return shown && present(shown);
}

/** Our own way beside that standard, for keys that no TLS handshake can use. */
function byProof(csr: CertificationRequest, { presentByProof }: EstDeps): Promise<Asker> {
  if (namesPredecessor(csr)) return presentByProof(csr);
  throw new LicetError(
    'forbidden',
    'LICENSE_NOT_SHOWN',
    'A renewal is asked for with the present license: configure it and its key as TLS client certificate.',
  );
}
