import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler } from 'express';
import { answerProblem } from './http/answer-problem.ts';
import type { Admission } from './http/admission.ts';
import { CLIENT_CERTIFICATE_HEADER } from './http/client-certificate.ts';
import { type FastPath, createDispatcher } from './http/dispatcher.ts';
import { type BodyLimits, type Refusal, type Route, mountRoutes, refusalOf } from './http/routes.ts';
import type { Random } from './licensing/ports/random.ts';
import type { Log } from './log/log.ts';
import type { Metrics } from './metrics/metrics.ts';
import { HttpError } from './problem.ts';

export type AppDeps = {
  readonly routes: readonly Route[];
  readonly fastPaths: readonly FastPath[];
  readonly limits: BodyLimits & { readonly urlBytes: number; readonly answerMs: number };
  readonly admission: Admission;
  /** Whose X-Forwarded-… headers are believed. */
  readonly trustProxy: readonly string[];
  /** In which header they forward the certificate of their TLS client, if they do. */
  readonly clientCertificateHeader?: string | undefined;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** The public side as a function of a request: no socket, no clock, no configuration. */
export function createApp(deps: AppDeps): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // what is cacheable sets its own
  app.set('trust proxy', [...deps.trustProxy]);
  app.set(CLIENT_CERTIFICATE_HEADER, deps.clientCertificateHeader);
  app.set('query parser', 'simple'); // no nested objects out of a query
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const refuse: Refusal = (error, request, response) => answerProblem(error, request, response, deps);
  const refuseAddress = refusalOf(deps.routes, refuse);
  mountRoutes(app, deps.routes, {
    limits: deps.limits,
    answerMs: deps.limits.answerMs,
    admission: deps.admission,
    refuse,
  });
  app.use(() => {
    throw new HttpError(404, 'ROUTE_NOT_FOUND', 'Nothing is served under this path.');
  });
  const onError: ErrorRequestHandler = (error, request, response, _next) => {
    // The router decodes path parameters before any of our code sees them.
    const known =
      error instanceof URIError ? new HttpError(400, 'PATH_MALFORMED', 'The path is not valid UTF-8.') : error;
    refuseAddress(known, request, response);
  };
  app.use(onError);
  return createDispatcher({ ...deps, urlBytes: deps.limits.urlBytes, app, refuseAddress });
}

/** The closed set of metric labels: what createMetrics needs to know beforehand. */
export const routeLabels = (routes: readonly Route[], fastPaths: readonly FastPath[]): string[] => [
  ...new Set([...routes.map((route) => route.path), ...fastPaths.map((path) => path.prefix)]),
];
