import { basename, dirname, join, resolve } from 'node:path';
import { settingsByHand } from './by-hand.ts';
import { AgentError } from './errors.ts';
import { folderOf, type Options, text, writeOut } from './options.ts';
import { reloadUnits, systemdUnit } from './unit.ts';

/** systemd.unit(5). */
const UNIT = /^[\w:.@\\][\w:.@\\-]{0,254}$/;

/** Units for systemd; what is left to do is said, because that is for the machine's administrator. */
export async function installHere(options: Options): Promise<string> {
  const folder = folderOf(options);
  const program = resolve(import.meta.dirname, 'licet-agent.js');
  const unit = systemdUnit(process.execPath, program, folder, await settingsByHand(folder));
  const reloaded = unitsIn(text(options, 'reload'));
  const out = text(options, 'out');
  if (out === undefined) {
    if (reloaded.length > 0)
      throw new AgentError('USAGE', '--reload writes more units: say with --out where the first is.');
    return unit;
  }
  await writeOut(out, unit);
  const beside = reloaded.length === 0 ? [] : await writeReloading(out, folder, reloaded);
  const enabled = [out, ...beside.slice(0, 1)].map((path) => basename(path)).join(' ');
  const user = `useradd --system --no-create-home licet; chown -R licet: ${folder}`;
  return `written to ${[out, ...beside].join(', ')}; next: ${user}; systemctl enable --now ${enabled}`;
}

/** Returns where: what is to be enabled first, and what that starts. */
async function writeReloading(out: string, folder: string, units: readonly string[]): Promise<readonly string[]> {
  const { path, service } = reloadUnits(folder, units);
  const name = join(dirname(out), `${basename(out, '.service')}-reload`);
  const files = [`${name}.path`, `${name}.service`] as const;
  await writeOut(files[0], path);
  await writeOut(files[1], service);
  return files;
}

function unitsIn(given: string | undefined): readonly string[] {
  const units = given?.split(',') ?? [];
  const wrong = units.find((unit) => !UNIT.test(unit));
  if (wrong !== undefined) throw new AgentError('USAGE', `--reload: "${wrong}" is no name of a systemd unit.`);
  return units;
}
