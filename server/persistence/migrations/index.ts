import type { Migration } from './migration.ts';
import { roles } from './0001-roles.ts';
import { sharedMechanisms } from './0002-shared-mechanisms.ts';
import { licensing } from './0003-licensing.ts';
import { authority } from './0004-authority.ts';
import { authorities } from './0005-authorities.ts';
import { revocation } from './0006-revocation.ts';
import { licenses } from './0007-licenses.ts';
import { access } from './0008-access.ts';
import { identities } from './0009-identities.ts';
import { enrolmentApproval } from './0010-enrolment-approval.ts';
import { notices } from './0011-notices.ts';
import { administration } from './0012-administration.ts';
import { subscriptions } from './0013-subscriptions.ts';
import { siteRequests } from './0014-site-requests.ts';
import { enterpriseHold } from './0015-enterprise-hold.ts';
import { workloadSites } from './0016-workload-sites.ts';
import { incidentSets } from './0017-incident-sets.ts';
import { earlierWorkloadSites } from './0018-earlier-workload-sites.ts';
import { grace } from './0019-grace.ts';
import { firstLicenses } from './0020-first-licenses.ts';
import { rootLinks } from './0021-root-links.ts';
import { reconciledAuthorities } from './0022-reconciled-authorities.ts';
import { madeTokens } from './0023-made-tokens.ts';
import { formerCertificates } from './0024-former-certificates.ts';
import { siteKeys } from './0025-site-keys.ts';
import { repeatedRefreshes } from './0026-repeated-refreshes.ts';

/** In the order in which they run. Append only. */
export const migrations: readonly Migration[] = [
  roles,
  sharedMechanisms,
  licensing,
  authority,
  authorities,
  revocation,
  licenses,
  access,
  identities,
  enrolmentApproval,
  notices,
  administration,
  subscriptions,
  siteRequests,
  enterpriseHold,
  workloadSites,
  incidentSets,
  earlierWorkloadSites,
  grace,
  firstLicenses,
  rootLinks,
  reconciledAuthorities,
  madeTokens,
  formerCertificates,
  siteKeys,
  repeatedRefreshes,
];
