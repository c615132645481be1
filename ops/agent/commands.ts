import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { machineFingerprints } from '@licet/verify/node';
import { acceptByHand, requestByHand, settingsByHand } from './by-hand.ts';
import { readLicense, siteIn } from './chain.ts';
import { enrol, renew } from './enrol.ts';
import { enrolWhenApproved, keyOf, type Waiting } from './enrol-when-approved.ts';
import { AgentError } from './errors.ts';
import { fetchEvidence, firstEvidence } from './evidence.ts';
import { installHere } from './install.ts';
import { type Kit, makeKit, readKit } from './kit.ts';
import { lockFolder } from './lock.ts';
import { look } from './look.ts';
import { folderOf, needed, type Options, text } from './options.ts';
import { actAsOwnerOf } from './owner.ts';
import { renewalTime } from './renewal-time.ts';
import { report } from './report.ts';
import { asInFolder, run } from './run.ts';
import { checkSettings, loadSettings, type Settings } from './settings.ts';
import { type Opening, openSite, type Site } from './site.ts';
import { keptSuggestion } from './suggestion.ts';
import { writeOut } from './write-out.ts';

/** What to print, and whether the answer is a good one. */
type Answer = string | { readonly text: string; readonly isGood: boolean };
export type Command = { readonly usage: string; run(options: Options): Promise<Answer> };

const now = (): Date => new Date();

async function opened<T>(
  options: Options,
  settings: Settings,
  work: (site: Site) => Promise<T>,
  opening: Opening = { isReader: true },
): Promise<T> {
  const folder = folderOf(options);
  const back = actAsOwnerOf(folder);
  try {
    const site = await openSite(folder, settings, opening);
    try {
      return await work(site);
    } finally {
      await site.close();
    }
  } finally {
    back();
  }
}

/** Work on the site that no other agent may do meanwhile. */
async function locked<T>(options: Options, settings: Settings, work: (site: Site) => Promise<T>): Promise<T> {
  const release = lockFolder(folderOf(options));
  try {
    return await opened(options, settings, work, {});
  } finally {
    release();
  }
}

const settingsOf = (options: Options): Promise<Settings> => loadSettings(folderOf(options));

async function kitOf(options: Options): Promise<Kit> {
  const kit = await givenKit(options);
  const proxy = text(options, 'proxy');
  const more = {
    ...(options['machine'] === true && { machine: true }),
    ...(options['public-tls'] === true && { publicTls: true }),
    ...(proxy !== undefined && { proxy }),
  };
  return { ...kit, settings: checkSettings({ ...kit.settings, ...more }, 'The command line') };
}

function givenKit(options: Options): Promise<Kit> | Kit {
  const given = text(options, 'kit');
  if (given !== undefined) return readKit(given);
  const settings = {
    servers: needed(options, 'server').split(','),
    ...(text(options, 'label') && { label: text(options, 'label') }),
  };
  return makeKit(settings, needed(options, 'fingerprint'), needed(options, 'token'), 'The command line');
}

async function enrolHere(options: Options): Promise<string> {
  const folder = folderOf(options);
  const given = await kitOf(options);
  // Where keys lie is said before there is a license: see docs/agent.md.
  const settings = { ...(await settingsByHand(folder)), ...given.settings };
  const kit = { ...given, settings, name: text(options, 'name') };
  await locked(options, kit.settings, async (site) => {
    await (options['wait'] === true ? enrolWhenApproved(site, kit, WAITING) : enrolOnce(site, kit));
    await provideEvidence(site, kit.settings);
  });
  return `Enrolled. The license is ${folder}/site.lic; keep it fresh with: licet-agent run --folder ${folder}`;
}

const WAITING: Waiting = {
  now,
  pause: (seconds) => pause(1000 * seconds),
  tell: (message) => void process.stderr.write(`licet-agent: ${message}\n`),
};

async function enrolOnce(site: Site, kit: Kit): Promise<void> {
  try {
    await enrol(site, kit, now);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'PENDING') throw error;
    const { serverCode, message } = error;
    const said = `${message}${await keyOf(site)} Repeat the command then, or give --wait.`;
    throw new AgentError('PENDING', said, { serverCode });
  }
}

async function provideEvidence(site: Site, settings: Settings): Promise<void> {
  const warning = await firstEvidence(site, now(), settings);
  if (warning !== undefined) process.stderr.write(`licet-agent: ${warning}\n`);
}

async function status(options: Options): Promise<Answer> {
  const settings = await settingsOf(options);
  const work = async (site: Site) => {
    const verdict = await look(site, settings, now());
    return verdict && { verdict, renewal: await renewalOf(site) };
  };
  const onAway = ({ message }: AgentError) => process.stderr.write(`licet-agent: ${asInFolder(message)}\n`);
  const seen = await opened(options, settings, work, { isReader: true, onAway });
  if (seen === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folderOf(options)}.`);
  const { verdict, renewal } = seen;
  const isGood = verdict.usable;
  if (options['json'] === true) return { text: JSON.stringify({ ...verdict, renewal }, null, 2), isGood };
  const known = verdict.holder === undefined ? [] : [`  serial ${verdict.holder.serial}`];
  const lines = verdict.codes.map(({ code, detail }) => `  ${code}: ${detail}`);
  const until = verdict.expiresAt === undefined ? '' : `, until ${verdict.expiresAt.toISOString()}`;
  const head = `${verdict.holder?.uri ?? 'no license'}: ${verdict.state}${until}`;
  return { text: [head, ...known, ...lines, ...told(renewal)].join('\n'), isGood };
}

type Renewal = { readonly at: Date; readonly explanation?: string };

/** By what the authority has said to `run` of this folder, or else by the license alone. */
async function renewalOf({ folder, store }: Site): Promise<Renewal | undefined> {
  const current = await store.current();
  if (current === undefined) return undefined;
  const suggestion = await keptSuggestion(folder, current);
  const { leaf } = readLicense(current.license);
  const at = renewalTime(leaf, siteIn(leaf), suggestion);
  return { at, ...(suggestion?.explanation !== undefined && { explanation: suggestion.explanation }) };
}

function told(renewal: Renewal | undefined): string[] {
  if (renewal === undefined) return [];
  const { at, explanation } = renewal;
  const why = explanation === undefined ? '' : `, moved by the authority: ${explanation}`;
  return [`  to be renewed ${at > now() ? 'from' : 'now, since'} ${at.toISOString()}${why}`];
}

async function reportHere(options: Options): Promise<string> {
  const settings = await settingsOf(options);
  const text = await readFile(needed(options, 'file'), 'utf8');
  await opened(options, settings, (site) => report(site, settings, text, now));
  return 'reported';
}

async function requestHere(options: Options): Promise<string> {
  const out = needed(options, 'out');
  const settings = await settingsByHand(folderOf(options));
  const asked = options['machine'] === true ? { ...settings, machine: true } : settings;
  const file = text(options, 'root');
  // Read as who types this, and not as the owner of the folder.
  const root = file === undefined ? undefined : { file, text: await readFile(file, 'utf8') };
  const first = { root, name: text(options, 'name') };
  const request = await locked(options, asked, (site) => requestByHand(site, asked, first));
  await writeOut(out, request);
  return `Carry ${out} to the authority (licet license sign --in ${out} --out site.lic), and bring the answer back: licet-agent accept --in site.lic`;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  enrol: {
    usage:
      'enrol --kit FILE|WORD | --server URL[,URL] --fingerprint HEX --token TOKEN [--label ENTERPRISE]   first license\n      [--name SITE] [--machine] [--public-tls] [--proxy URL] [--wait]   --machine: bound to this machine; --wait: until somebody has approved it;\n      --public-tls: the server shows a certificate that browsers trust',
    run: enrolHere,
  },
  run: {
    usage: 'run [--hook COMMAND]   renews, fetches evidence and answers products until stopped',
    run: async (options) => {
      const stop = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
      await run(folderOf(options), text(options, 'hook'), stop.signal);
      return 'stopped';
    },
  },
  renew: {
    usage: 'renew   a new license at once',
    run: async (options) => {
      const settings = await settingsOf(options);
      await locked(options, settings, async (site) => {
        await renew(site, settings, now);
        await provideEvidence(site, settings);
      });
      return 'renewed';
    },
  },
  status: {
    usage: 'status [--json]   what the license is worth now, and when it is renewed; exit 1 when it cannot be used',
    run: status,
  },
  evidence: {
    usage: 'evidence   fetches CRLs and OCSP responses now; exit 1 when one is not to be had',
    run: async (options) => {
      const settings = await settingsOf(options);
      const all = await locked(options, settings, (site) => fetchEvidence(site, now(), settings));
      const lines = all.map((one) => `${one.url}: ${'problem' in one ? one.problem : one.result}`);
      return { text: lines.join('\n'), isGood: !all.some((one) => 'problem' in one) };
    },
  },
  report: { usage: 'report --file USAGE.json   hands a usage report in, as this site', run: reportHere },
  export: {
    usage: 'export --out FILE   the license and its chain, without the key',
    run: async (options) => {
      const current = await opened(options, await settingsOf(options), ({ store }) => store.current());
      if (current === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folderOf(options)}.`);
      await writeOut(needed(options, 'out'), current.license);
      return `written to ${needed(options, 'out')}`;
    },
  },
  fingerprints: {
    usage: 'fingerprints   what tells this machine from others, for a token that is bound to it',
    run: async () => (await machineFingerprints()).join('\n'),
  },
  request: {
    usage: 'request --out FILE [--root ROOT.pem] [--name SITE] [--machine]   a request to be carried by hand',
    run: requestHere,
  },
  accept: {
    usage: 'accept --in FILE   the answer to a request that was carried by hand',
    run: async (options) => {
      const license = await readFile(needed(options, 'in'), 'utf8');
      return locked(options, await settingsOf(options), (site) => acceptByHand(site, license, now()));
    },
  },
  install: {
    usage:
      'install [--out FILE] [--reload UNIT[,UNIT]]   a systemd unit, to standard output or into a file;\n      --reload: beside it, units that have others load each new license',
    run: installHere,
  },
};
