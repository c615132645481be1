import { type Certificate, type Name, OID, toHex } from '@licet/format';
import type { Findings, Holder } from './verdict.ts';

/**
 * To whom the license was issued: its one URI `license://<enterprise>.<organization>/<site>`, and its subject. The names
 * of the CAs below the anchor are names of tenants too, and the license must stand below them: name constraints say
 * that as well, and a CA that was made without them must not open a way around.
 */
export function holderOf(path: readonly Certificate[], findings: Findings): Holder | undefined {
  const leaf = path[0]!;
  const uris = (leaf.extensions.subjectAltName ?? []).flatMap((name) => (name.kind === 'uri' ? [name.value] : []));
  const licenses = uris.filter((uri) => /^license:\/\/[^/]+\/.+$/.test(uri));
  if (licenses.length !== 1) {
    const detail = `The license must have one name license://<enterprise>.<organization>/<site>, it has ${licenses.length}.`;
    findings.refuse('invalid', 'NAME_NOT_PERMITTED', detail);
    return undefined;
  }
  for (const oid of [OID.organizationName, OID.organizationalUnitName]) {
    const own = attribute(leaf.subject, oid);
    for (const issuer of path.slice(1, -1)) {
      const above = attribute(issuer.subject, oid);
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
  return rdns.flat().find((candidate) => candidate.oid === oid)?.value;
}
