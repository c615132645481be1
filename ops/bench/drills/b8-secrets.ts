import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { countInMemory } from '@licet/authority/process-memory';
import { answers, postgresPrograms } from '@licet/server/test-cluster';
import { ask, NoAnswer, type Question } from '../house/ask.ts';
import { House } from '../house/house.ts';
import { killAll, keepRunning } from '../house/postgresql.ts';
import type { Row } from '../row.ts';

const SCAN = join(import.meta.dirname, '../../../ca/authority/signer/test/scan-memory.ts');

type Secrets = Readonly<Record<string, string>>;

/**
 * B8: secrets are given to a server wherever it takes some, and wherever somebody may put one by mistake; then they are
 * looked for where none may be.
 */
export async function run(): Promise<readonly Row[]> {
  const databasePassword = secret();
  const sealingKey = randomBytes(32).toString('hex');
  const house = await House.open(({ databaseUrl }) => ({
    databaseUrl: databaseUrl.replace('postgres@', `postgres:${databasePassword}@`),
    flags: ['--log.level', 'debug'],
    env: { LICET_ACCESS_SEALING_KEY: sealingKey },
  }));
  try {
    // Only the first start of an evaluation makes its passphrase itself; every other reads none.
    await house.server.end('SIGTERM');
    await house.restart();
    const secrets: Record<string, string> = { databasePassword, sealingKey, owner: house.token };
    secrets['passphrase'] = readFileSync(join(house.folder, 'signer.passphrase'), 'utf8').trim();
    const { body } = await house.ask({
      method: 'POST',
      path: '/api/v1/sites/create',
      body: JSON.stringify({ contract: house.contract, name: 'planted', mode: 'development' }),
    });
    secrets['enrolment'] = (JSON.parse(body.toString('utf8')) as { enrolment: { token: string } }).enrolment.token;
    secrets['misplaced'] = secret();
    // Before they are sent to it in every form.
    const memory = memoryRow(house, secrets);
    const told = await misuse(house, secrets);
    const places = {
      'log lines': house.server.output,
      metrics: await house.server.metrics(),
      'refusals and errors': told.join('\n'),
      'a dump of the database': dumpOf(house),
    };
    return [placesRow(places, secrets), memory];
  } finally {
    await house.close();
  }
}

const secret = (): string => `canary-${randomBytes(18).toString('base64url')}`;

/** Every answer that is a refusal or an error. */
async function misuse(house: House, secrets: Secrets): Promise<string[]> {
  const { ports } = house.options;
  const told: string[] = [];
  const tell = async (question: Question): Promise<void> => {
    try {
      const { status, headers, body } = await ask({ port: ports.public, agent: new Agent(), ca: house.ca }, question);
      if (status >= 400) told.push(JSON.stringify(headers), body.toString('utf8'));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
  };
  for (const planted of Object.values(secrets)) await askWrongly(tell, planted);
  // An error of the driver knows where it wanted to connect, and as whom.
  killAll(house.cluster.folder);
  const authorization = { Authorization: `Bearer ${secrets['owner']}` };
  for (let tries = 0; tries < 5; tries += 1) {
    await tell({ method: 'GET', path: '/api/v1/sites', headers: authorization });
  }
  const service = keepRunning(house.cluster.folder);
  await answers(house.databaseUrl);
  service.stop();
  if (told.length === 0) throw new Error('Nothing was refused: this drill tries nothing.');
  return told;
}

async function askWrongly(tell: (question: Question) => Promise<void>, planted: string): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const basic = `Basic ${Buffer.from(`site:${planted}`).toString('base64')}`;
  const pkcs10 = { 'Content-Type': 'application/pkcs10' };
  const body = JSON.stringify({ name: planted, code: planted });
  const wrong: readonly Question[] = [
    { method: 'GET', path: `/api/v1/sites?token=${planted}` },
    { method: 'GET', path: `/api/v1/sites/${planted}` },
    { method: 'GET', path: `/nowhere/${planted}` },
    {
      method: 'GET',
      path: '/api/v1/sites',
      headers: { Authorization: `Bearer x${planted}`, Cookie: `session=${planted}` },
    },
    { method: 'GET', path: '/api/v1/sites', headers: { 'User-Agent': planted, Referer: planted } },
    { method: 'POST', path: '/api/v1/products', headers: { ...json, Authorization: `Bearer ${planted}` }, body },
    {
      method: 'POST',
      path: '/api/v1/sessions',
      headers: json,
      body: JSON.stringify({ email: 'a@b.example', password: planted }),
    },
    { method: 'POST', path: '/api/v1/products', headers: json, body: `{"name": "${planted}` },
    {
      method: 'POST',
      path: '/.well-known/est/simpleenroll',
      headers: { ...pkcs10, Authorization: basic },
      body: planted,
    },
  ];
  for (const question of wrong) await tell(question);
}

function dumpOf({ cluster }: House): string {
  const program = join(postgresPrograms() ?? '', 'pg_dump');
  return execFileSync(program, ['--data-only', `--dbname=${cluster.url('licet')}`], { maxBuffer: 1 << 28 }).toString(
    'latin1',
  );
}

function placesRow(places: Readonly<Record<string, string>>, secrets: Secrets): Row {
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets)
      .filter(([, planted]) => formsOf(planted).some((form) => text.includes(form)))
      .map(([name]) => `${name} in ${place}`),
  );
  const sizes = Object.entries(places).map(([place, text]) => `${place} (${Math.round(text.length / 1024)} KiB)`);
  return {
    id: 'B8',
    what: `${Object.keys(secrets).length} planted secrets`,
    bar: '0 in logs, metrics, errors, dumps',
    figure: `${found.length} in ${sizes.join(', ')}${found.length > 0 ? `: ${found.join('; ')}` : ''}`,
    pass: found.length === 0,
  };
}

/** As it is, and as it may have been written on its way. */
const formsOf = (planted: string): readonly string[] => [
  planted,
  Buffer.from(planted).toString('base64').replace(/=+$/, ''),
  Buffer.from(planted).toString('hex'),
];

function memoryRow(house: House, secrets: Secrets): Row {
  const { server } = house;
  const signer = server.signerPid!;
  const folder = join(house.folder, 'signer/keys');
  const args = [SCAN, folder, join(house.folder, 'signer.passphrase'), String(server.pid), String(signer)];
  const [ofServer = -1, ofSigner = 0] = JSON.parse(execFileSync(process.execPath, args).toString()) as number[];
  const passphrase = countInMemory(String(server.pid), [Buffer.from(secrets['passphrase']!)]);
  const core = /Max core file size\s+(\d+)/.exec(readFileSync(`/proc/${signer}/limits`, 'utf8'))?.[1];
  return {
    id: 'B8',
    what: "private keys and their passphrase in the memory of the server's process",
    bar: '0; the signer leaves no core dump',
    figure: `${ofServer} of keys, ${passphrase} of the passphrase (the signer, for comparison: ${ofSigner}); core dumps of the signer up to ${core} bytes`,
    pass: ofServer === 0 && passphrase === 0 && ofSigner > 0 && core === '0',
  };
}
