import { type Certificate, decodeClaims, emptyRights, excess, OID } from '@licet/format';
import { type Rule, when } from './rule.ts';

const claimsIn = ({ extensions }: Certificate) => extensions.all.find(({ oid }) => oid === OID.licenseClaims);

/** What only we can know about a certificate: that it gives away nothing which its issuer does not have. */
export const CLAIMS_RULES: readonly Rule[] = [
  {
    section: 'claims',
    check: (certificate, { claims, issuer, profile }) => {
      const found = claimsIn(certificate);
      if (found === undefined || claims === undefined) {
        return when(
          found !== undefined || claims !== undefined || profile.claims === 'required',
          'claims are missing or not wanted',
        );
      }
      const own = decodeClaims(found.value);
      const empty = emptyRights(own);
      if (empty.length > 0) return `nothing is granted: ${empty.join(', ')} empty`;
      if (profile.name === 'site' && own.modes.length !== 1) return 'a site has exactly one mode';
      if (issuer.claims === undefined) return when(issuer.purpose !== 'root', 'the issuer has no claims to pass on');
      const above = excess(issuer.claims, own);
      return above.length === 0 ? undefined : above.map(({ claim, detail }) => `${claim}: ${detail}`).join('; ');
    },
  },
];
