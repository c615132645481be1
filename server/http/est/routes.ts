import { encodeCertsOnly } from '@licet/format';
import type { Request, Response } from 'express';
import { LicetError } from '../../licensing/errors.ts';
import type { EnrolAnswer } from '../../licensing/ports/enrolment.ts';
import { spread } from '../retry-after.ts';
import { clientCertificate } from '../client-certificate.ts';
import { type Method, METHODS, type Route } from '../routes.ts';
import { csrAttributes } from './csr-attributes.ts';
import { type EstDeps, readAsked } from './enrol.ts';
import { readLabel } from './label.ts';
import { notAnOperation, refuse, REQUEST_BODY, switchedOff } from './refusal.ts';
import { assertPlainKeyWanted, keyAndCertificate, keyWantedAtSite, makeServerKey } from './server-key.ts';
import { send, sendTransfer, type Wrapping, wrappingFor } from './transfer.ts';

export type { EstDeps } from './enrol.ts';

const CERTIFICATES = 'application/pkcs7-mime';
/** RFC 7030 §4.2.3 */
const ISSUED = 'application/pkcs7-mime; smime-type=certs-only';
const ATTRIBUTES = 'application/csrattrs';

type Operation = (request: Request, response: Response, deps: EstDeps) => Promise<void>;

/** RFC 7030 §3.2.2 */
const OPERATIONS: readonly (readonly [Method, string, Operation])[] = [
  ['GET', 'cacerts', caCertificates],
  ['POST', 'simpleenroll', (request, response, deps) => enrol(request, response, false, deps)],
  ['POST', 'simplereenroll', (request, response, deps) => enrol(request, response, true, deps)],
  ['GET', 'csrattrs', attributes],
  ['POST', 'serverkeygen', serverKey],
];

/**
 * The label stands behind the well-known part (RFC 7030 §3.2.2), or before it: strongSwan up to 5.9 appends
 * /.well-known/est to the address that it is given, whatever that is, so also after a slash at its end.
 */
const PREFIXES = ['/.well-known/est', '/.well-known/est/:label', '/:label{/}/.well-known/est'];

/** After all the others: who has the address wrong reads the same short text as for any other refusal. */
const ELSEWHERE = ['/.well-known/est{/{*rest}}', '/:label{/}/.well-known/est{/{*rest}}'];
/** As the paths of `ELSEWHERE`, before anybody has decoded them. */
const ADDRESSES = /^(?:\/[^/?]+\/?)?\/\.well-known\/est(?:[/?]|$)/;

/** Enrolment over Secure Transport, RFC 7030 with RFC 8951 and RFC 9908, for the existing clients. */
export function estRoutes(deps: EstDeps): Route[] {
  const common = {
    produces: [CERTIFICATES, ISSUED, ATTRIBUTES, 'multipart/mixed', 'text/plain', 'application/octet-stream'],
    refuse: (error, request, response) => refuse(error, request, response, deps),
    refusesAt: ADDRESSES,
  } satisfies Partial<Route>;
  const operations = PREFIXES.flatMap((prefix) =>
    OPERATIONS.map(([method, name, operation]): Route => ({
      ...common,
      method,
      path: `${prefix}/${name}`,
      limits: deps.limits,
      ...(method === 'POST' && { body: REQUEST_BODY }),
      handle: (request, response) => operation(request, response, deps),
    })),
  );
  const elsewhere = ELSEWHERE.flatMap((path) =>
    METHODS.map((method): Route => ({
      ...common,
      method,
      path,
      isLight: true,
      handle() {
        throw notAnOperation(OPERATIONS.map(([, name]) => name));
      },
    })),
  );
  return [...operations, ...elsewhere];
}

async function caCertificates(request: Request, response: Response, { enrolment }: EstDeps): Promise<void> {
  const certificates = await enrolment.caCertificates(readLabel(request.params['label'] as string | undefined));
  sendTransfer(response, CERTIFICATES, encodeCertsOnly(certificates), wrappingFor(request));
}

async function enrol(request: Request, response: Response, renews: boolean, deps: EstDeps): Promise<void> {
  const asked = await readAsked(request, renews, deps);
  answer(response, await asked.issue(asked.request.der, true), asked.wrapping, deps);
}

function answer(response: Response, result: EnrolAnswer, wrapping: Wrapping, { random }: EstDeps): void {
  if (result.outcome === 'issued') {
    // RFC 7030 §4.2.3: the issued certificate alone; the chain is for cacerts.
    sendTransfer(response, ISSUED, encodeCertsOnly([result.certificate]), wrapping);
    return;
  }
  response.setHeader('Retry-After', spread(result.retryAfterSeconds, random));
  response.setHeader('X-Licet-Code', 'ENROLMENT_PENDING');
  send(response, 202, 'text/plain; charset=utf-8', 'Somebody has to approve this enrolment; send it again later.\n');
}

async function attributes(request: Request, response: Response, deps: EstDeps): Promise<void> {
  readLabel(request.params['label'] as string | undefined);
  const shown = clientCertificate(request);
  // RFC 7030 §4.5: nobody has to say who asks. Who shows a license hears how its renewal is named.
  const license = shown && (await deps.present(shown).catch(notALicense));
  const wanted = csrAttributes({
    channelBinding: deps.settings.requireChannelBinding,
    license: license?.certificate,
  });
  sendTransfer(response, ATTRIBUTES, wanted, wrappingFor(request));
}

function notALicense(error: unknown): undefined {
  if (error instanceof LicetError && error.kind !== 'unavailable') return undefined;
  throw error;
}

async function serverKey(request: Request, response: Response, deps: EstDeps): Promise<void> {
  if (!deps.settings.serverKeyGeneration) throw switchedOff();
  const asked = await readAsked(request, false, deps);
  assertPlainKeyWanted(asked.request);
  if (asked.renews) throw keyWantedAtSite();
  const { privateKey, csr } = makeServerKey(asked.request);
  const result = await asked.issue(csr, false);
  if (result.outcome === 'pending') {
    throw new LicetError(
      'conflict',
      'SERVER_KEY_NOT_KEPT',
      'This enrolment waits for an approval, and a key made here is not kept so long; make the key at the site.',
    );
  }
  const certificate = { type: ISSUED, bytes: encodeCertsOnly([result.certificate]) };
  const { type, body } = keyAndCertificate(privateKey, certificate, asked.wrapping);
  send(response, 200, type, body);
}
