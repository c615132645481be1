import { decodeCertificationRequest, decodePem, encodePem, FormatError, OID } from '@licet/format';
import type { Command } from 'commander';
import { callApi } from '../api/client.ts';
import { operations } from '../api/document.ts';
import { chosenContext } from '../api/session.ts';
import { show } from '../api/show.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { readInput } from '../read-input.ts';

type Options = {
  readonly in: string;
  readonly out: string;
  readonly site?: string;
  readonly context?: string;
  readonly json?: true;
};

/** The last way: a site without any connection. The answer goes back to it as a file too. */
export function registerSign(group: Command, io: CliIo): void {
  group
    .command('sign')
    .description('a license for a request that was carried here as a file (licet-agent request)')
    .requiredOption('--in <file>', 'the request, as PEM')
    .requiredOption('--out <file>', 'the license with its chain, to be carried back (licet-agent accept)')
    .option('--site <id>', 'for the first license of a site; a renewal says itself which license it renews')
    .option('--context <name>', 'another server than the current one')
    .option('--json', 'the answer as JSON')
    .exitOverride()
    .action((options: Options) => sign(io, options));
}

async function sign(io: CliIo, options: Options): Promise<void> {
  const { csr, isRenewal } = await readRequest(io, options.in);
  const body = { csr };
  const { method, path } = operations().get(isRenewal ? 'refreshKey' : 'issueLicense');
  const answer = await callApi(await chosenContext(io, options.context), {
    method,
    path: isRenewal ? path : path.replace('{id}', encodeURIComponent(siteOf(options))),
    body,
  });
  show(io, answer.body, { isJson: options.json === true, out: options.out });
}

function siteOf({ in: file, site }: Options): string {
  if (site !== undefined) return site;
  const message = `${file} asks for a first license: say of which site, with --site (licet site list).`;
  throw new CliError(EXIT.usage, 'OPTION_MISSING', message);
}

async function readRequest(io: CliIo, file: string): Promise<{ csr: string; isRenewal: boolean }> {
  const text = (await readInput(file, io)).toString('utf8');
  try {
    const [block] = decodePem(text, 'CERTIFICATE REQUEST');
    if (block === undefined) throw new FormatError('PEM_INVALID', 'pem', 'holds no CERTIFICATE REQUEST');
    const { attributes } = decodeCertificationRequest(block.bytes);
    const isRenewal = attributes.some(({ oid }) => oid === OID.predecessorSerial);
    return { csr: encodePem('CERTIFICATE REQUEST', block.bytes), isRenewal };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CliError(
      EXIT.noInput,
      'NO_REQUEST',
      `${file} is no request, or was damaged on its way: ${error.message}.`,
    );
  }
}
