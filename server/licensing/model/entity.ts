/** What every stored thing of an organization has. */
export type Entity = {
  /** UUID version 7: sorts by creation, so that lists page by it and indexes stay dense. */
  readonly id: string;
  /** The slug of the organization. */
  readonly organization: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Rises by one with every change; what ETag and If-Match carry. */
  readonly version: number;
};

/** Keys and values of the caller's own: never interpreted, never put into a certificate. */
export type Labels = Readonly<Record<string, string>>;

/**
 * A short name for people and URLs and certificate names: lower-case letters, digits and inner hyphens, at most 40.
 * It stands in a URI host (`license://<enterprise>.<organization>/<site>`), where each part is a DNS label.
 */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
