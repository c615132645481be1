import { LicetError } from '../errors.ts';

export const ALERT_KINDS = [
  'clone-suspected',
  'limit-exceeded',
  'report-overdue',
  'license-expired',
  'license-invalid', // an application was shown one
  'license-suspicious',
  'webhook-disabled',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const ALERT_STATUSES = ['open', 'acknowledged', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

export type Alert = {
  readonly id: string;
  readonly organization: string;
  readonly enterprise: string | undefined;
  readonly site: string | undefined;
  readonly kind: AlertKind;
  /** What makes it the same trouble. */
  readonly key: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly status: AlertStatus;
  readonly details: Readonly<Record<string, unknown>>;
  /** How often it was seen. */
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Who acknowledged or resolved it. */
  readonly changedBy: string | undefined;
};

export type NewAlert = Pick<Alert, 'organization' | 'enterprise' | 'site' | 'kind' | 'key' | 'severity' | 'details'>;

const STEPS: Readonly<Record<AlertStatus, readonly AlertStatus[]>> = {
  open: ['acknowledged', 'resolved'],
  acknowledged: ['resolved'],
  resolved: [],
};

export function assertStep(from: AlertStatus, to: AlertStatus): void {
  if (STEPS[from].includes(to)) return;
  throw new LicetError('conflict', 'TRANSITION_REFUSED', `This alert is ${from} and cannot become ${to}.`);
}
