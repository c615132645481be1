import { SLUG } from '../../licensing/model/entity.ts';
import { type EnterpriseLabel, unknownLabel } from '../../licensing/ports/enrolment.ts';

/** RFC 7030 §3.2.2: the optional path segment names the CA; here `globex.acme`, or `globex`. */
export function readLabel(text: string | undefined): EnterpriseLabel | undefined {
  if (text === undefined) return undefined;
  const [enterprise = '', organization, ...more] = text.split('.');
  const isLabel = SLUG.test(enterprise) && (organization === undefined || SLUG.test(organization)) && more.length === 0;
  if (isLabel) return { enterprise, organization };
  throw unknownLabel();
}
