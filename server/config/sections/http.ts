import { z } from 'zod';
import { filePath, port, seconds } from '../fields.ts';

const TLS_MODES = ['own', 'files', 'off'] as const;

const tls = z
  .strictObject({
    mode: z
      .enum(TLS_MODES)
      .optional()
      .describe(
        '`own` serves HTTPS with a certificate from the service CA, made at the first start and renewed by itself; ' +
          '`files` with the two files below; `off` plain HTTP (behind a proxy). Default: `files` where they are named, ' +
          'else `own` where the server is an evaluation (`authority.evaluation`), else `off`.',
      ),
    names: z
      .array(z.string().min(1))
      .meta({ allowed: 'a list of host names and addresses' })
      .default([])
      .describe(
        'What the `own` certificate says the server is called. Default: the host of `http.publicUrl`, or else ' +
          'localhost and its addresses.',
      ),
    certificate: filePath()
      .optional()
      .describe('PEM file: the server certificate, then its intermediates. Read again when it changes, and on SIGHUP.'),
    key: filePath().optional().describe('PEM file: the private key of that certificate.'),
    requestClientCertificate: z
      .boolean()
      .default(true)
      .describe(
        'Ask every client for a certificate: sites renew with their license as one. None is demanded; a browser that ' +
          'has certificates of its own may ask its user for one, which `false` avoids where no site connects.',
      ),
  })
  .prefault({})
  .superRefine((value, context) => {
    const names = ['certificate', 'key'] as const;
    const isAnyNamed = names.some((name) => value[name] !== undefined);
    if (value.mode !== 'files' && !(value.mode === undefined && isAnyNamed)) return;
    for (const name of names) {
      if (value[name] !== undefined) continue;
      const message = 'is needed when http.tls.mode is files, as it is by itself when one of the two files is named';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .describe('TLS of the public listener: 1.2 and 1.3 only.');

const plain = z
  .strictObject({
    host: z.string().min(1).optional().describe('Its address. Default: `http.host`.'),
    port: port()
      .default(8081)
      .describe('Its port; 0 takes any free one. Behind a proxy, let it pass these paths on to here, as plain HTTP.'),
  })
  .prefault({})
  .describe(
    'The plain listener, open when the public one serves HTTPS: /ca, /crl and /ocsp and nothing else, for whoever ' +
      'checks a certificate (RFC 5280 8 warns of HTTPS there: checking its certificate could need the very same CRL).',
  );

const limits = z
  .strictObject({
    headerBytes: z
      .int()
      .min(1024)
      .max(65_536)
      .default(8192)
      .describe('Request line and headers together; beyond: 431.'),
    urlBytes: z.int().min(256).max(16_384).default(4096).describe('The request target; beyond: 414.'),
    bodyBytes: z
      .int()
      .min(1024)
      .max(16 * 1024 * 1024)
      .default(64 * 1024)
      .describe('A request body, where the route sets no lower limit (EST: 16 KiB); beyond: 413.'),
    jsonDepth: z.int().min(4).max(100).default(16).describe('Nesting of a JSON body; beyond: 400.'),
    jsonKeys: z
      .int()
      .min(16)
      .max(100_000)
      .default(2000)
      .describe('Names in a JSON body, all levels together; beyond: 400.'),
    connections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe('Open connections; further ones are closed at once.'),
  })
  .prefault({})
  .describe('What the public listener takes in.');

const timeouts = z
  .strictObject({
    headersSeconds: seconds(0.1, 120).default(5).describe('For the whole header to arrive; then 408.'),
    requestSeconds: seconds(0.1, 600).default(30).describe('For the whole request to arrive; then 408.'),
    answerSeconds: seconds(0.5, 600)
      .default(4.5)
      .describe(
        'For the answer, once the request is here; then 503. The work is not stopped: the same request again finds ' +
          'what came of it. A call over many licenses has 24 s.',
      ),
    keepAliveSeconds: seconds(0.1, 600)
      .default(65)
      .describe(
        'How long an idle connection stays open: longer than the 60 s of common proxies, which then never race it.',
      ),
    handshakeSeconds: seconds(0.1, 120).default(10).describe('For the TLS handshake.'),
    settleSeconds: seconds(0, 300)
      .default(0)
      .describe('At shutdown: how long new requests are still taken after /readyz says no, for a balancer to notice.'),
    drainSeconds: seconds(0, 300)
      .default(20)
      .describe('At shutdown: how long running requests may then take to finish.'),
  })
  .prefault({})
  .describe('How long the public listener waits.');

export const httpSection = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('The address of the public listener; `::` or `0.0.0.0` for all.'),
    port: port().default(8080).describe('Its port; 0 takes any free one.'),
    sharePort: z
      .boolean()
      .default(false)
      .describe(
        'Several server processes of this machine listen at this port and at `http.plain.port`, each with a share of ' +
          'the connections (SO_REUSEPORT): for more than one processor, and to start the next one before the last one ends.',
      ),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .meta({ allowed: 'an http:// or https:// URL' })
      .optional()
      .describe(
        'How clients reach this server, if that is not what the listener says (a proxy, a name). No path after it.',
      ),
    trustProxy: z
      .array(z.union([z.enum(['loopback', 'linklocal', 'uniquelocal']), z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
      .meta({ allowed: 'a list of addresses, networks (10.0.0.0/8), or loopback, linklocal, uniquelocal' })
      .default([])
      .describe('The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Default: none.'),
    clientCertificateHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/)
      .meta({ allowed: 'the name of a header, such as Client-Cert' })
      .optional()
      .describe(
        'The header in which those proxies forward the certificate of their TLS client, by RFC 9440 or as PEM, ' +
          'percent-encoded: sites renew with it. They must remove it from what clients send. Default: none is believed.',
      ),
    tls,
    plain,
    limits,
    timeouts,
  })
  .prefault({})
  .superRefine(({ sharePort, port, plain }, context) => {
    if (!sharePort) return;
    const message = 'has to be a certain one when http.sharePort is on: give it';
    if (port === 0) context.addIssue({ code: 'custom', path: ['port'], message });
    if (plain.port === 0) context.addIssue({ code: 'custom', path: ['plain', 'port'], message });
  })
  .superRefine((value, context) => {
    if (value.clientCertificateHeader === undefined || value.trustProxy.length > 0) return;
    context.addIssue({
      code: 'custom',
      path: ['trustProxy'],
      message: 'is needed with http.clientCertificateHeader: the addresses of the proxies that may send that header',
    });
  })
  .describe('The public listener.');
