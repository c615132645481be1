import type { Certificate, Claims, GeneralName } from '@licet/format';
import type { Profile } from '../../profiles/profile.ts';
import type { IssuerGeneration } from '../issuer-generation.ts';
import type { Subject } from '../subject.ts';

/** What the certificate is held against. */
export type LintContext = {
  readonly profile: Profile;
  readonly issuer: IssuerGeneration;
  readonly subject: Subject;
  readonly alternativeNames: readonly GeneralName[];
  readonly claims: Claims | undefined;
};

/** One rule: `check` says what is wrong, or nothing. */
export type Rule = {
  readonly section: string;
  check(certificate: Certificate, context: LintContext): string | undefined;
};

export function when(broken: boolean, reason: string): string | undefined {
  return broken ? reason : undefined;
}
