import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, FormatError, type Mode, MODES } from '@licet/format';
import { type LicenseOptions, type Requirements, TrustAnchors, type Verdict } from '@licet/verify';
import { type Attempt, configurationFolders, surroundings, verifySite } from '@licet/verify/node';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { printable } from '../printable.ts';
import { derBlocks, readInput } from '../read-input.ts';

type Options = {
  anchor?: string[];
  at?: string;
  crl?: string[];
  explain?: boolean;
  feature?: string[];
  fingerprint?: string[];
  highWater?: string;
  json?: boolean;
  limit?: string[];
  mode?: string;
  ocsp?: string[];
  organization?: string;
  product?: string;
  release?: string;
  tier?: string;
};

/** `licet verify`: what a license allows, until when, and why not. Needs no server. */
export function register(program: Command, io: CliIo): void {
  program
    .command('verify')
    .description('Says what a license allows, until when, and why not. Exit: 0 usable, 1 not usable, 2 cannot tell.')
    .argument('[license]', 'a file, "-" for standard input; otherwise it is looked for')
    .option(
      '--anchor <file...>',
      'certificates to trust (or LICET_ANCHORS, or anchors.pem in the configuration folder)',
    )
    .option('--explain', 'show each place that was looked at, and why it was not taken')
    .option('--json', 'the verdict for programs')
    .option('--at <time>', 'another time than now, e.g. 2027-01-31T00:00:00Z')
    .option('--organization <name>', 'whose license: finds .github/licenses/<name>.lic')
    .option('--crl <file...>', 'revocation lists, DER or PEM')
    .option('--ocsp <file...>', 'OCSP responses, DER or PEM')
    .option('--product <code>', 'the product that must be licensed')
    .option('--feature <name...>', 'features that must be granted')
    .option('--tier <rank>', 'the least rank')
    .option('--mode <mode>', MODES.join(', '))
    .option('--limit <code=count...>', 'how much of a limit is in use')
    .option('--release <date>', 'when the release that asks was built')
    .option('--fingerprint <text...>', 'fingerprints of this machine')
    .option('--high-water <file>', 'what was seen before; kept up to date')
    .action(async (license: string | undefined, options: Options) => verify(license, options, io));
}

async function verify(license: string | undefined, options: Options, io: CliIo): Promise<void> {
  const around = { ...surroundings(), env: io.env };
  const anchors = await readAnchors(options, around, io);
  const given = license === '-' ? (await readInput('-', io)).toString('utf8') : license;
  const { verdict, attempts, mark, notRemembered } = await verifySite({
    ...(given !== undefined && { license: given }),
    ...(options.organization !== undefined && { organization: options.organization }),
    ...(options.highWater !== undefined && { highWaterFile: options.highWater }),
    surroundings: around,
    anchors,
    ...(await licenseOptions(options, io)),
  });
  if (mark === 'damaged' || mark === 'unreadable') {
    io.err(
      `licet: ${options.highWater} is ${mark}: what was seen before is not known, so a clock set back may not show`,
    );
  }
  if (notRemembered !== undefined) io.err(`licet: the high-water mark could not be kept: ${notRemembered}`);
  if (options.json) io.out(JSON.stringify(verdict ? { ...verdict, attempts } : nothingFound(attempts), undefined, 2));
  else io.out(printable(lines(verdict, attempts, options.explain === true)));
  if (verdict) io.exit(verdict.usable ? EXIT.ok : EXIT.no);
  // A place that could not be read may hold a license: then "there is none" would be a guess.
  else io.exit(attempts.some(({ outcome }) => outcome === 'failed') ? EXIT.unknown : EXIT.no);
}

async function readAnchors(
  options: Options,
  around: Parameters<typeof configurationFolders>[0],
  io: CliIo,
): Promise<TrustAnchors> {
  const named = options.anchor ?? (io.env['LICET_ANCHORS'] ? [io.env['LICET_ANCHORS']] : undefined);
  for (const files of named ? [named] : configurationFolders(around).map((folder) => [join(folder, 'anchors.pem')])) {
    try {
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      return TrustAnchors.union(...texts.map((text) => TrustAnchors.fromPem(text)));
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (missing && !named) continue;
      throw new CliError(EXIT.unknown, 'ANCHORS_UNREADABLE', `${files.join(', ')}: ${(error as Error).message}`);
    }
  }
  const message = 'No certificate to trust: give the root of the vendor with --anchor <file>.';
  throw new CliError(EXIT.unknown, 'NO_ANCHORS', message);
}

async function licenseOptions(options: Options, io: CliIo): Promise<Omit<LicenseOptions, 'anchors'>> {
  const require: Requirements = {
    ...(options.feature && { features: options.feature }),
    ...(options.limit && { limits: Object.fromEntries(options.limit.map(readLimit)) }),
    ...(options.tier !== undefined && { tier: readCount('--tier', options.tier) }),
    ...(options.mode !== undefined && { mode: readMode(options.mode) }),
  };
  return {
    at: options.at === undefined ? io.now() : readTime('--at', options.at),
    evidence: { crls: await readAll(options.crl, io), ocsp: await readAll(options.ocsp, io) },
    require,
    ...(options.product !== undefined && { product: options.product }),
    ...(options.release !== undefined && { release: readTime('--release', options.release) }),
    ...(options.fingerprint && { fingerprints: options.fingerprint }),
  };
}

async function readAll(files: readonly string[] | undefined, io: CliIo): Promise<Uint8Array[]> {
  const inputs = await Promise.all((files ?? []).map((file) => readInput(resolve(file), io)));
  try {
    return inputs.flatMap((input) => derBlocks(input).map(({ bytes }) => bytes));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CliError(EXIT.unknown, 'EVIDENCE_UNREADABLE', error.message);
  }
}

function usage(message: string): CliError {
  return new CliError(EXIT.usage, 'USAGE', message);
}

function readTime(name: string, text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw usage(`${name} ${text}: write a time as 2027-01-31T00:00:00Z.`);
  return time;
}

function readCount(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw usage(`${name} ${text}: write a whole number.`);
  return Number(text);
}

function readMode(text: string): Mode {
  const mode = MODES.find((known) => known === text);
  if (mode === undefined) throw usage(`--mode ${text}: write one of ${MODES.join(', ')}.`);
  return mode;
}

function readLimit(text: string): [code: string, count: number] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw usage(`--limit ${text}: write it as code=count.`);
  return [text.slice(0, at), readCount('--limit', text.slice(at + 1))];
}

const nothingFound = (attempts: readonly Attempt[]) => ({ usable: false, state: 'invalid', codes: [], attempts });

function lines(verdict: Verdict | undefined, attempts: readonly Attempt[], explain: boolean): string[] {
  const places = attempts.map(
    ({ source, where, outcome, detail }, i) => `  ${i + 1}. ${source}: ${where}: ${outcome}, ${detail}`,
  );
  const looked = explain || verdict === undefined ? ['Looked at, in this order:', ...places, ''] : [];
  if (verdict === undefined) return ['No license was found.', ...looked];
  const { holder, effective, expiresAt, graceUntil } = verdict;
  return [
    `${verdict.usable ? 'Usable' : 'Not usable'}: ${verdict.state}${verdict.watermark ? ', for development only' : ''}`,
    ...(holder ? [`Issued to ${holder.uri} (serial ${holder.serial})`] : []),
    ...(expiresAt && graceUntil ? [`Expires ${expiresAt.toISOString()}, works until ${graceUntil.toISOString()}`] : []),
    '',
    ...verdict.codes.map(({ code, severity, detail }) => `${severity.padEnd(8)}${code}: ${detail}`),
    '',
    ...(effective ? ['What it allows:', ...describe(effective).map((line) => `  ${line}`), ''] : []),
    ...looked,
  ];
}
