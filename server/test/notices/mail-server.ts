import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { localCertificate } from '../identity/issuer.ts';

export type Got = {
  readonly from: string;
  readonly to: readonly string[];
  readonly isSecure: boolean;
  readonly user: string | undefined;
  /** By their names in lower case, unfolded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

export type MailServer = {
  readonly port: number;
  readonly ca: string;
  readonly got: Got[];
  /** Of a recipient: the status to refuse it with. */
  readonly refused: Map<string, number>;
  close(): Promise<void>;
};

/** Somebody's mail server, which takes what it is sent. */
export async function openMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const files = localCertificate();
  const got: Got[] = [];
  const refused = new Map<string, number>();
  const server = new SMTPServer({
    ...files,
    logger: false,
    authOptional: true,
    onRcptTo({ address }, _session, done) {
      const responseCode = refused.get(address);
      done(responseCode === undefined ? undefined : Object.assign(new Error(`No ${address} here`), { responseCode }));
    },
    onData(stream, { envelope, secure, user }, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        got.push({ from, to, isSecure: secure, user: user as string | undefined, ...read(Buffer.concat(parts)) });
        done();
      });
    },
    ...options,
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    ca: files.cert,
    got,
    refused,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** RFC 5322 and of MIME what the mail of a program has: one part, encoded words, quoted-printable, base64. */
function read(raw: Buffer): Pick<Got, 'headers' | 'text'> {
  const [head = '', ...rest] = raw.toString('latin1').split('\r\n\r\n');
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), words(line.slice(line.indexOf(':') + 2))]),
  );
  const body = rest.join('\r\n\r\n');
  const encoding = headers['content-transfer-encoding'];
  const bytes =
    encoding === 'base64' ? Buffer.from(body, 'base64') : encoding === 'quoted-printable' ? quoted(body) : body;
  return { headers, text: Buffer.from(bytes.toString('latin1'), 'latin1').toString('utf8').replaceAll('\r\n', '\n') };
}

const quoted = (text: string): Buffer =>
  Buffer.from(
    text
      .replaceAll('=\r\n', '')
      .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );

const words = (text: string): string =>
  text.replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=\s?/gi, (_, kind: string, word: string) =>
    (kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64') : quoted(word.replaceAll('_', ' '))).toString('utf8'),
  );
