import type { Certificate } from '@licet/format';
import type { HttpAnswer, HttpCall } from './http.ts';
import type { SiteFolder } from './site-folder.ts';

/** What happened to one CRL or OCSP response: `kept` is new here, `known` was here already. */
export type Fetched =
  { readonly url: string; readonly result: 'kept' | 'known' } | { readonly url: string; readonly problem: string };

/** A question about one certificate, to one address. */
export type Question = {
  readonly folder: SiteFolder;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly at: Date;
  readonly url: string;
  /** Evidence carries its own proof, so it may come over any wire. */
  readonly ask: (asked: Pick<HttpCall, 'method' | 'url' | 'headers' | 'body'>) => Promise<HttpAnswer>;
};
