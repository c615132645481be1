import type { Certificate } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import { CLAIMS_RULES } from './rules/claims.ts';
import { EXTENSION_RULES } from './rules/extensions.ts';
import { FIELD_RULES } from './rules/fields.ts';
import type { LintContext, Rule } from './rules/rule.ts';

/** In the order of RFC 5280 §4.1, §4.2; the claims at the end. */
const RULES: readonly Rule[] = [...FIELD_RULES, ...EXTENSION_RULES, ...CLAIMS_RULES];

/** Everything that is wrong, each with its section. The certificate is judged by its bytes as they were read back. */
export function findings(certificate: Certificate, context: LintContext): readonly string[] {
  const found: string[] = [];
  for (const rule of RULES) {
    const reason = rule.check(certificate, context);
    if (reason !== undefined) found.push(`${rule.section}: ${reason}`);
  }
  return found;
}

/** Throws LINT_FAILED with all findings. */
export function lint(certificate: Certificate, context: LintContext): void {
  const found = findings(certificate, context);
  if (found.length === 0) return;
  throw new AuthorityError(
    'LINT_FAILED',
    `The certificate would break a rule and is not signed: ${found.join('; ')}.`,
    {
      details: found,
    },
  );
}
