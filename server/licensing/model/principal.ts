/** What a person or a token may be to an organization. `docs/authorization.md` prints what each may do. */
export const ROLES = [
  'owner',
  'admin',
  'operator',
  'billing',
  'auditor', // reads everything of its organization, changes nothing
  'enterprise-admin', // its own enterprise only
  'application', // a product of the organization: validates, reports, alerts
  'site', // the license itself, by mTLS or by its serial and signature
] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Made by the authentication layer alone; the organization of a request never comes from anywhere else. */
export type Principal = {
  readonly kind: 'person' | 'token' | 'site' | 'system';
  /** Stable and without personal data: what the audit log names, e.g. `person:…`, `token:…`, `site:…`, `job:…`. */
  readonly id: string;
  readonly organization: string;
  readonly roles: readonly Role[];
  /** Set for `enterprise-admin` and `site`: the only enterprise it can reach. */
  readonly enterprise: string | undefined;
  /** Set for `site`. */
  readonly site: string | undefined;
  /** What a token is limited to, whatever its roles may do. Absent: no such limit. */
  readonly actions?: readonly string[];
  /** Who answers for it (`person:…` or `token:…`): for a token, whoever made it. Absent: it does so itself. */
  readonly responsible?: string;
};
