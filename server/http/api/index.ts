import { openApiDocument } from '../openapi/document.ts';
import { documentRoutes } from '../openapi/routes.ts';
import type { Route } from '../routes.ts';
import { alertEndpoints } from './alerts.ts';
import { approvalEndpoints } from './approvals.ts';
import { auditEndpoints } from './audit.ts';
import { bulkEndpoints } from './bulk.ts';
import { catalogEndpoints } from './catalog.ts';
import { contractEndpoints, enterpriseEndpoints } from './customers.ts';
import { delegatedEndpoints } from './delegated.ts';
import { deliveryEndpoints } from './deliveries.ts';
import type { Endpoint } from './endpoint.ts';
import { enrolmentEndpoints } from './enrolments.ts';
import { identityEndpoints } from './identities.ts';
import { incidentEndpoints } from './incidents.ts';
import { keyEndpoints } from './keys.ts';
import { licenseEndpoints } from './licenses.ts';
import { mailRecipientEndpoints } from './mail-recipients.ts';
import { organizationEndpoints } from './organization.ts';
import { peopleEndpoints } from './people.ts';
import { providerEndpoints } from './providers.ts';
import { revocationEndpoints } from './revocations.ts';
import { selfEndpoints } from './self.ts';
import { type ApiDeps, routeOf } from './serve.ts';
import { sessionEndpoints } from './sessions.ts';
import { siteEndpoints } from './sites.ts';
import { statisticsEndpoints } from './statistics.ts';
import { tokenEndpoints } from './tokens.ts';
import { validateEndpoints } from './validate.ts';
import { webhookEndpoints } from './webhooks.ts';

/** Every call there is, in the order of the document. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...siteEndpoints,
  ...keyEndpoints,
  ...validateEndpoints,
  ...statisticsEndpoints,
  ...alertEndpoints,
  ...revocationEndpoints,
  // After all that begin `/licenses/` with a word: that would be taken for a serial.
  ...licenseEndpoints,
  ...auditEndpoints,
  ...organizationEndpoints,
  ...catalogEndpoints,
  ...enterpriseEndpoints,
  ...contractEndpoints,
  ...delegatedEndpoints,
  ...bulkEndpoints,
  ...tokenEndpoints,
  ...peopleEndpoints,
  ...approvalEndpoints,
  ...providerEndpoints,
  ...sessionEndpoints,
  ...selfEndpoints,
  ...enrolmentEndpoints,
  ...identityEndpoints,
  ...incidentEndpoints,
  ...webhookEndpoints,
  ...deliveryEndpoints,
  ...mailRecipientEndpoints,
];

/** The API, its description, and the page to browse that. */
export function apiRoutes(deps: ApiDeps & { readonly version: string }): readonly Route[] {
  const document = () => openApiDocument(ENDPOINTS, deps.version);
  return [...ENDPOINTS.map((it) => routeOf(it, deps)), ...documentRoutes(document)];
}
