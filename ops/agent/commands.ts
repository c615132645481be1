import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { encodePem } from '@licet/format';
import { writeDurably } from './durable.ts';
import { accept, begin, enrol, renew } from './enrol.ts';
import { AgentError } from './errors.ts';
import { fetchEvidence } from './evidence.ts';
import { call } from './http.ts';
import { makeKit, parseKit } from './kit.ts';
import { lockFolder } from './lock.ts';
import { look } from './look.ts';
import { run } from './run.ts';
import { loadSettings } from './settings.ts';
import { SiteFolder } from './site-folder.ts';
import { systemdUnit } from './unit.ts';

export type Options = Readonly<Record<string, string | boolean | undefined>>;
/** Returns what to print. */
export type Command = { readonly usage: string; run(options: Options): Promise<string> };

const now = (): Date => new Date();
const text = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

function needed(options: Options, name: string): string {
  const value = text(options, name);
  if (value === undefined) throw new AgentError('USAGE', `--${name} is missing.`);
  return value;
}

const folderOf = (options: Options): string => resolve(text(options, 'folder') ?? '/var/lib/licet');

/** Work on the folder that no other agent may do meanwhile. */
async function locked<T>(options: Options, work: (folder: SiteFolder) => Promise<T>): Promise<T> {
  const folder = new SiteFolder(folderOf(options));
  await folder.prepare();
  const release = await lockFolder(folder.path);
  try {
    return await work(folder);
  } finally {
    await release();
  }
}

async function readKit(options: Options) {
  const file = text(options, 'kit');
  if (file !== undefined) return parseKit(await readFile(file, 'utf8'), file);
  const settings = {
    servers: needed(options, 'server').split(','),
    ...(text(options, 'label') && { label: text(options, 'label') }),
  };
  return makeKit(settings, needed(options, 'fingerprint'), needed(options, 'token'), 'The command line');
}

async function status(options: Options): Promise<string> {
  const folder = new SiteFolder(folderOf(options));
  const verdict = await look(folder, await loadSettings(folder.path), now());
  if (verdict === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folder.path}.`);
  if (options['json'] === true) return JSON.stringify(verdict, null, 2);
  const lines = verdict.codes.map(({ code, detail }) => `  ${code}: ${detail}`);
  const until = verdict.expiresAt === undefined ? '' : `, until ${verdict.expiresAt.toISOString()}`;
  return [`${verdict.holder?.uri ?? 'no license'}: ${verdict.state}${until}`, ...lines].join('\n');
}

async function report(options: Options): Promise<string> {
  const folder = new SiteFolder(folderOf(options));
  const settings = await loadSettings(folder.path);
  const current = await folder.current();
  if (current === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folder.path}.`);
  const body = await readFile(needed(options, 'file'), 'utf8');
  const [server = ''] = settings.servers;
  const answer = await call({
    method: 'POST',
    url: `${server.replace(/\/+$/, '')}/api/v1/stats/aggregate`,
    headers: { 'Content-Type': 'application/json' },
    body,
    trust: { root: await folder.root() },
    identity: { key: current.key, certificates: current.license },
    proxy: settings.proxy,
  });
  if (answer.status < 300) return 'reported';
  throw new AgentError('REFUSED', `The server refused the report: ${answer.body.toString('utf8').slice(0, 500)}`);
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  enrol: {
    usage:
      'enrol --kit FILE | --server URL[,URL] --fingerprint HEX --token TOKEN [--label ENTERPRISE] [--name SITE]   first license',
    run: async (options) => {
      const kit = await readKit(options);
      await locked(options, (folder) => enrol(folder, { ...kit, name: text(options, 'name') }, now));
      return `Enrolled. The license is ${folderOf(options)}/site.lic; keep it fresh with: licet-agent run --folder ${folderOf(options)}`;
    },
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
      await locked(options, async (folder) => renew(folder, await loadSettings(folder.path), now));
      return 'renewed';
    },
  },
  status: { usage: 'status [--json]   what the license is worth now', run: status },
  evidence: {
    usage: 'evidence   fetches the CRLs now',
    run: async (options) => {
      const all = await locked(options, async (folder) =>
        fetchEvidence(folder, now(), (await loadSettings(folder.path)).proxy),
      );
      return all.map((one) => `${one.url}: ${'problem' in one ? one.problem : one.result}`).join('\n');
    },
  },
  report: { usage: 'report --file USAGE.json   hands a usage report in, as this site', run: report },
  export: {
    usage: 'export --out FILE   the license and its chain, without the key',
    run: async (options) => {
      const current = await new SiteFolder(folderOf(options)).current();
      if (current === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folderOf(options)}.`);
      await writeFile(needed(options, 'out'), current.license);
      return `written to ${needed(options, 'out')}`;
    },
  },
  request: {
    usage: 'request --out FILE [--root ROOT.pem] [--name SITE]   a request to be carried to the authority by hand',
    run: async (options) => {
      const pending = await locked(options, async (folder) => {
        const root = text(options, 'root');
        if (root !== undefined) await writeDurably(folder.file('root.pem'), await readFile(root));
        return (await folder.pending()) ?? begin(folder, text(options, 'name'));
      });
      await writeFile(needed(options, 'out'), encodePem('CERTIFICATE REQUEST', pending.request));
      return `Carry ${needed(options, 'out')} to the authority (licet license sign --in), and bring the answer back: licet-agent accept --in`;
    },
  },
  accept: {
    usage: 'accept --in FILE   the answer to a request that was carried by hand',
    run: async (options) => {
      const license = await readFile(needed(options, 'in'), 'utf8');
      await locked(options, async (folder) => {
        const pending = await folder.pending();
        if (pending === undefined)
          throw new AgentError('USAGE', 'No request is open here: begin with licet-agent request.');
        await accept(folder, license, pending, await folder.root(), now());
      });
      return 'accepted';
    },
  },
  install: {
    usage: 'install [--out FILE]   a systemd unit, to standard output or into a file',
    run: async (options) => {
      const unit = systemdUnit(process.execPath, resolve(import.meta.dirname, 'licet-agent.js'), folderOf(options));
      const out = text(options, 'out');
      if (out === undefined) return unit;
      await writeFile(out, unit);
      return `written to ${out}; next: systemctl enable --now ${out.split('/').at(-1) ?? ''}`;
    },
  },
};
