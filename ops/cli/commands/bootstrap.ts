import { createHash, X509Certificate } from 'node:crypto';
import { decodePem, encodePem } from '@licet/format';
import type { Command } from 'commander';
import { z } from 'zod';
import { contextsFile, loadContexts, saveContexts } from '../api/contexts.ts';
import { exchange } from '../api/http.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

type Options = { fingerprint?: string; context?: string; publicTls?: true };

const PATH = '/ca/bootstrap.json';

const sha256 = (der: Buffer): string => createHash('sha256').update(der).digest('hex');

export function register(program: Command, io: CliIo): void {
  program
    .command('bootstrap')
    .argument('<url>', 'of the server, e.g. https://licet.example')
    .requiredOption('--fingerprint <sha256>', 'of the root, as the ceremony or the start of the server has shown it')
    .option('--context <name>', 'the name for this server; default: its host name')
    .option('--public-tls', 'the server shows a certificate that browsers trust')
    .description('trusts a server by the fingerprint of its root, and makes it the current one')
    .exitOverride()
    .action((url: string, options: Options) => bootstrap(io, url, options));
}

async function bootstrap(io: CliIo, text: string, { fingerprint = '', context, publicTls }: Options): Promise<void> {
  const url = serverUrl(text);
  const wanted = fingerprint.replaceAll(/[:\s]|^sha256:?/gi, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(wanted)) {
    throw new CliError(
      EXIT.usage,
      'FINGERPRINT_INVALID',
      'A fingerprint is the SHA-256 of the root: 64 hexadecimal digits.',
    );
  }
  const roots = await fetchRoots(url);
  const root = roots.find((der) => sha256(der) === wanted);
  if (root === undefined) {
    const found = roots.map(sha256).join(', ') || 'none';
    const message = `${url.origin} has another root than the one you gave (${found}); nothing was stored.`;
    throw new CliError(EXIT.no, 'FINGERPRINT_MISMATCH', message);
  }
  const trust = { root: encodePem('CERTIFICATE', root), ...(publicTls && { publicTls }) };
  // Said now, and not by the next command, which would send a token.
  await exchange({ url: new URL(PATH, url).href, method: 'GET', ...trust });
  const name = context ?? url.hostname;
  const all = loadContexts(io);
  const { token, session } = all.contexts[name] ?? {};
  const kept = { ...(token !== undefined && { token }), ...(session !== undefined && { session }) };
  const pinned = { url: url.origin, ...trust, ...kept };
  saveContexts(io, { current: name, contexts: { ...all.contexts, [name]: pinned } });
  io.err(`The root "${new X509Certificate(root).subject.replaceAll('\n', ', ')}" is trusted for ${url.origin}.`);
  io.err(
    `It is in ${contextsFile(io)} as "${name}". Next: licet context token <file with your API token>, or licet self sign-in`,
  );
}

function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new CliError(
    EXIT.usage,
    'URL_INVALID',
    `"${text}" is no address of a server; write it as https://licet.example`,
  );
}

const document = z.object({ roots: z.array(z.object({ certificate: z.string() })) });

/** From a server that is not trusted yet: what comes counts only by its fingerprint. */
async function fetchRoots(url: URL): Promise<Buffer[]> {
  const answer = await exchange({ url: new URL(PATH, url).href, method: 'GET', anyServer: true });
  const strange = new CliError(EXIT.unknown, 'ROOT_MISSING', `${url.origin} shows no root; is this a license server?`);
  if (answer.status !== 200) throw strange;
  try {
    const { roots } = document.parse(JSON.parse(answer.body.toString('utf8')));
    return roots
      .flatMap(({ certificate }) => decodePem(certificate, 'CERTIFICATE'))
      .map(({ bytes }) => Buffer.from(bytes));
  } catch {
    throw strange;
  }
}
