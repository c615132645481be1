import { type Certificate, type Name, OID, toHex } from '@licet/format';
import type { Findings, Holder } from './verdict.ts';

const TENANT = [OID.organizationName, OID.organizationalUnitName];
const LICENSE_URI = /^license:\/\/[^/]+\/.+$/;

/**
 * To whom the license was issued: its one URI `license://<enterprise>.<organization>/<site>`, and its subject. The names
 * of the CAs below the anchor are names of tenants too, and the license must stand below them: name constraints say
 * that as well, and a CA that was made without them must not open a way around.
 */
export function holderOf(path: readonly Certificate[], findings: Findings): Holder | undefined {
  const leaf = path[0]!;
  const licenses: string[] = [];
  for (const name of leaf.extensions.subjectAltName ?? []) {
    if (name.kind === 'uri' && LICENSE_URI.test(name.value)) licenses.push(name.value);
  }
  if (licenses.length !== 1) {
    const detail = `The license must have one name license://<enterprise>.<organization>/<site>, it has ${licenses.length}.`;
    findings.refuse('invalid', 'NAME_NOT_PERMITTED', detail);
    return undefined;
  }
  for (const oid of TENANT) {
    const own = attribute(leaf.subject, oid);
    for (let i = 1; i < path.length - 1; i += 1) {
      const above = attribute(path[i]!.subject, oid);
      if (above === undefined || above === own) continue;
      findings.refuse('invalid', 'NAME_NOT_PERMITTED', `The license names "${own ?? ''}" below a CA of "${above}".`);
      return undefined;
    }
  }
  return {
    organization: attribute(leaf.subject, OID.organizationName),
    enterprise: attribute(leaf.subject, OID.organizationalUnitName),
    site: attribute(leaf.subject, OID.commonName),
    uri: licenses[0]!,
    serial: toHex(leaf.serial),
  };
}

function attribute({ rdns }: Name, oid: string): string | undefined {
  for (const rdn of rdns) {
    const found = rdn.find((candidate) => candidate.oid === oid);
    if (found !== undefined) return found.value;
  }
  return undefined;
}
