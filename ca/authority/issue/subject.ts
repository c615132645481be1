import { createName, type GeneralName, type Name, type NameConstraints } from '@licet/format';
import { sameName } from '@licet/verify';
import { AuthorityError } from '../errors.ts';
import type { Profile } from '../profiles/profile.ts';
import type { IssuerGeneration } from './issuer-generation.ts';

/** Who the certificate is for. Organization and enterprise are short names: they also stand in host names. */
export type Subject = { readonly organization: string; readonly enterprise?: string; readonly commonName: string };

/** A label of a host name (RFC 1123 §2.1), in lower case. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 5280 appendix A.1: ub-common-name. */
const COMMON_NAME_MOST = 64;
/** As the public CAs have it: beyond, handshakes grow by whole packets. */
const MOST_HOSTS = 100;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const HOST_LIKE = /^[\w-]+(?:\.[\w-]+)+$/;

const refuse = (message: string) => new AuthorityError('NAME_INVALID', message);

/** RFC 5280 §4.1.2.6. */
export function subjectName(profile: Profile, subject: Subject, issuer: IssuerGeneration): Name {
  const { organization, enterprise, commonName } = subject;
  if (!LABEL.test(organization)) throw refuse(`"${organization}" is no short name of an organization.`);
  checkTenant(profile, subject, issuer);
  if (enterprise !== undefined && !LABEL.test(enterprise))
    throw refuse(`"${enterprise}" is no short name of an enterprise.`);
  checkCommonName(profile, commonName);
  const name = createName([
    { type: 'organizationName', value: organization },
    ...(enterprise === undefined ? [] : [{ type: 'organizationalUnitName', value: enterprise }]),
    { type: 'commonName', value: commonName },
  ]);
  checkOwn(profile, name, issuer);
  return name;
}

/** To a verifier a CA with the name of its root is that root, with another key of its own (RFC 4210 §4.4). */
function checkOwn({ name: profile, pathLength }: Profile, name: Name, issuer: IssuerGeneration): void {
  if (profile === 'link' || pathLength === undefined || issuer.name === undefined) return;
  if (sameName(name, issuer.name)) throw refuse('This is the name of the CA above; only another key of a root has it.');
}

function checkTenant(profile: Profile, { organization, enterprise }: Subject, issuer: IssuerGeneration): void {
  // A root may stand above several organizations; from there on down, everything stays in the family.
  if (issuer.purpose !== 'root' && organization !== issuer.organization) {
    throw refuse(`The issuer belongs to organization "${issuer.organization}" and not to "${organization}".`);
  }
  const named =
    profile.enterprise === 'required' || (profile.enterprise === 'as issuer' && issuer.enterprise !== undefined);
  if (named !== (enterprise !== undefined)) {
    throw refuse(`Profile "${profile.name}" ${named ? 'needs the name of an enterprise' : 'names no enterprise'}.`);
  }
  if (issuer.enterprise !== undefined && enterprise !== issuer.enterprise) {
    throw refuse(`The issuer belongs to enterprise "${issuer.enterprise}" and not to "${enterprise ?? ''}".`);
  }
}

function checkCommonName(profile: Profile, commonName: string): void {
  if (profile.alternativeNames === 'license') {
    if (!LABEL.test(commonName)) throw refuse(`"${commonName}" is no short name of a site.`);
    return;
  }
  if (
    commonName === '' ||
    commonName.length > COMMON_NAME_MOST ||
    UNPRINTABLE.test(commonName) ||
    !commonName.isWellFormed()
  ) {
    throw refuse(`A common name has 1 to ${COMMON_NAME_MOST} printable characters.`);
  }
  // Below a CA that excludes host names OpenSSL takes such a common name for one (RFC 5280 §4.2.1.10, RFC 9525 §6.3).
  if (profile.alternativeNames === 'none' && HOST_LIKE.test(commonName)) {
    throw refuse(`The common name "${commonName}" looks like a host name; use another.`);
  }
}

/** What a TLS server is called: DNS names, one leading wildcard label allowed, and addresses of 4 or 16 bytes. */
export type Host = Extract<GeneralName, { kind: 'dns' | 'ip' }>;

/** RFC 5280 §4.2.1.6. */
export function alternativeNames(profile: Profile, subject: Subject, hosts: readonly Host[]): readonly GeneralName[] {
  if (profile.alternativeNames !== 'hosts') {
    if (hosts.length > 0) throw refuse(`Profile "${profile.name}" has no host names.`);
    return profile.alternativeNames === 'license' ? [{ kind: 'uri', value: licenseUri(subject) }] : [];
  }
  if (hosts.length === 0 || hosts.length > MOST_HOSTS)
    throw refuse(`A server certificate names 1 to ${MOST_HOSTS} hosts.`);
  hosts.forEach(checkHost);
  return hosts;
}

export function licenseUri({ organization, enterprise, commonName }: Subject): string {
  return `license://${enterprise ?? ''}.${organization}/${commonName}`;
}

function checkHost(host: Host): void {
  if (host.kind === 'ip') {
    if (host.bytes.length !== 4 && host.bytes.length !== 16) throw refuse('An address has 4 or 16 bytes.');
    return;
  }
  const labels = host.value.split('.');
  if (labels[0] === '*' && labels.length > 2) labels.shift();
  const wellFormed =
    host.value.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
  if (!wellFormed) throw refuse(`"${host.value}" is no host name in lower case.`);
}

/**
 * RFC 5280 §4.2.1.10: only the CA's own subtree. Host names and addresses are excluded altogether: otherwise whoever
 * holds the key of a license CA could make TLS certificates for the servers that the sites talk to.
 */
export function nameConstraints({ organization, enterprise = '' }: Subject): NameConstraints {
  const directory = createName([
    { type: 'organizationName', value: organization },
    { type: 'organizationalUnitName', value: enterprise },
  ]);
  return {
    permitted: [
      { kind: 'directory', name: directory },
      { kind: 'uri', value: `${enterprise}.${organization}` },
    ],
    excluded: [
      { kind: 'dns', value: '' },
      { kind: 'ip', bytes: new Uint8Array(8) },
      { kind: 'ip', bytes: new Uint8Array(32) },
    ],
  };
}
