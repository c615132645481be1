import { execFile } from 'node:child_process';
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodePem } from '@licet/format';
import { codeOf } from '../house/ask.ts';
import { House } from '../house/house.ts';
import { movedClock } from '../house/moved-clock.ts';
import { OwnSigner } from '../house/own-signer.ts';
import { pause } from '../house/server-process.ts';
import { StatusReader } from '../house/status.ts';
import type { Row } from '../row.ts';

const AGENT = join(import.meta.dirname, '../../agent/licet-agent.js');
const runProgram = promisify(execFile);

/** Days on which calendars and encodings trip: no 32-bit seconds after the second, GeneralizedTime from the third on. */
const FIXED = ['@2028-02-29 12:00:00', '@2038-01-20 12:00:00', '@2050-01-01 00:00:10'];

/** `newSites`: what they get. After 400 days every token of today is over, so nobody can ask. */
type Move = {
  readonly to: string;
  readonly state: string;
  readonly renewal: RegExp;
  readonly newSites: 'green' | 'nobody' | 'refused until it is set right';
};

/** What a site that enrolled today is told when all clocks have moved, and what becomes of its renewal. */
const MOVED: readonly Move[] = [
  { to: '+30d', state: 'in-grace', renewal: /^renewed/, newSites: 'green' },
  { to: '+400d', state: 'restricted', renewal: /LICENSE_EXPIRED/, newSites: 'nobody' },
  { to: '-5d', state: 'invalid', renewal: /^(?!renewed)/, newSites: 'refused until it is set right' },
];

/** F6: the clocks of server, signer and site are moved by libfaketime, and the key journeys are made. */
export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const at of FIXED) rows.push(await onDay(at));
  for (const move of MOVED) rows.push(await afterMove(move));
  return rows;
}

/** A house that is founded on that day. */
async function onDay(at: string): Promise<Row> {
  const { house, signer } = await openHouse(at);
  try {
    return rowOf(at.slice(1), 'every journey green', await journeys(house, at));
  } catch (error) {
    return rowOf(at.slice(1), 'every journey green', [String(error)]);
  } finally {
    await house.close();
    await signer.close();
  }
}

async function afterMove({ to, state: documented, renewal, newSites }: Move): Promise<Row> {
  const { house, signer } = await openHouse(undefined);
  try {
    const site = await enrol(house, undefined);
    await invitePerson(house);
    await restartAt(house, signer, to);
    const wrong: string[] = [];
    const { state } = JSON.parse(await agent(to, 'status', site, '--json')) as { state: string };
    if (state !== documented) wrong.push(`the site is told ${state}`);
    const renewed = await agent(to, 'renew', site);
    if (!renewal.test(renewed)) wrong.push(`renewal: ${renewed.slice(0, 200)}`);
    if (newSites !== 'nobody') await signIn(house);
    if (newSites === 'green') wrong.push(...(await journeys(house, to)));
    if (newSites === 'refused until it is set right') {
      const answer = await house.makeSite();
      const code = `${answer.status} ${codeOf(answer)}`;
      if (code !== '503 ISSUER_NOT_VALID') wrong.push(`issuing: ${code}`);
      await restartAt(house, signer, undefined);
      await signIn(house);
      wrong.push(...(await journeys(house, undefined)));
    }
    return rowOf(`${to} after a site enrolled: it is told "${state}"`, 'states as documented, new sites green', wrong);
  } catch (error) {
    return rowOf(to, 'states as documented, new sites green', [String(error)]);
  } finally {
    await house.close();
    await signer.close();
  }
}

const rowOf = (when: string, bar: string, wrong: readonly string[]): Row => ({
  id: 'F6',
  what: `the clock of server, signer and site: ${when}`,
  bar,
  figure: wrong.length === 0 ? 'as it should be' : wrong.join('; '),
  pass: wrong.length === 0,
});

const envOf = (clock: string | undefined) => (clock === undefined ? {} : movedClock(clock));

async function openHouse(clock: string | undefined): Promise<{ house: House; signer: OwnSigner }> {
  const signer = await OwnSigner.start(envOf(clock));
  const sealing = { LICET_ACCESS_SEALING_KEY: randomBytes(32).toString('hex') };
  const house = await House.open(() => ({
    signerSocket: signer.socket,
    env: { ...sealing, ...envOf(clock) },
    anyClock: true,
  }));
  return { house, signer };
}

async function restartAt(house: House, signer: OwnSigner, clock: string | undefined): Promise<void> {
  await house.server.end('SIGTERM');
  await signer.close();
  await signer.begin(envOf(clock));
  await house.restart({ env: { ...house.options.env, ...envOf(clock) } });
}

const PERSON = { organization: 'demo', email: 'drill@example.com', password: 'seven llamas sing at dawn' };

/** The first owner's token ends before the time that the clock is moved to, and whatever it makes with it. */
async function invitePerson(house: House): Promise<void> {
  const { email, password } = PERSON;
  const invited = await posted(house, '/api/v1/people', { email, name: 'Drill', roles: ['operator'] });
  await posted(house, '/api/v1/invitations/accept', { invitation: invited['invitation'], password });
}

async function signIn(house: House): Promise<void> {
  house.token = String((await posted(house, '/api/v1/sessions', PERSON))['accessToken']);
}

async function posted(house: House, path: string, order: object): Promise<Record<string, unknown>> {
  const { status, body } = await house.ask({ method: 'POST', path, body: JSON.stringify(order) });
  const text = body.toString('utf8');
  if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Enrolment, verdict, renewal, OCSP and CRL: what went wrong. */
async function journeys(house: House, clock: string | undefined): Promise<string[]> {
  const wrong: string[] = [];
  const site = await enrol(house, clock);
  const { state, usable } = JSON.parse(await agent(clock, 'status', site, '--json')) as {
    state: string;
    usable: boolean;
  };
  if (!usable || state !== 'valid') wrong.push(`a new license is ${state}`);
  const renewed = await agent(clock, 'renew', site);
  if (!renewed.startsWith('renewed')) wrong.push(`renewal: ${renewed.slice(0, 200)}`);
  const reader = new StatusReader(house, readFileSync(join(site, 'site.lic'), 'utf8'));
  const ocsp = await reader.ocsp();
  if (ocsp !== 'good') wrong.push(`OCSP says ${ocsp}`);
  for (let tries = 0; !(await reader.crlIsServed()); tries += 1) {
    if (tries === 100) return [...wrong, 'no CRL'];
    await pause(100);
  }
  return wrong;
}

async function enrol(house: House, clock: string | undefined): Promise<string> {
  const name = `site-${randomUUID().slice(0, 13)}`;
  const order = JSON.stringify({ contract: house.contract, name, mode: 'development' });
  const { status, body } = await house.ask({ method: 'POST', path: '/api/v1/sites/create', body: order });
  if (status !== 201) throw new Error(`No token: ${status} ${body.toString('utf8')}`);
  const { enrolment } = JSON.parse(body.toString('utf8')) as { enrolment: { token: string } };
  const site = mkdtempSync(join(tmpdir(), 'licet-drill-site-'));
  const root = hash('sha256', decodePem(house.ca, 'CERTIFICATE')[0]!.bytes, 'hex');
  const server = `https://127.0.0.1:${house.options.ports.public}`;
  const said = await agent(clock, 'enrol', site, '--server', server, '--fingerprint', root, '--token', enrolment.token);
  if (!said.startsWith('Enrolled')) throw new Error(`The agent did not enrol: ${said}`);
  return site;
}

/** What the agent's program says, also when it fails. */
async function agent(
  clock: string | undefined,
  command: string,
  folder: string,
  ...more: readonly string[]
): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', ...envOf(clock) };
  try {
    return (await runProgram(process.execPath, [AGENT, command, '--folder', folder, ...more], { env })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return stdout === '' ? stderr : stdout;
  }
}
