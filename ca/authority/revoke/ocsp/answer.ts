import type { OcspStatus } from '@licet/format';

/** `shared` is undefined where the answer is for this one client: an error, or one with a nonce. */
export type OcspAnswer = {
  readonly status: OcspStatus;
  readonly der: Uint8Array;
  readonly shared: { readonly thisUpdate: Date; readonly nextUpdate: Date; readonly etag: string } | undefined;
};
