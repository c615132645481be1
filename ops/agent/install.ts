import { basename, resolve } from 'node:path';
import { settingsByHand } from './by-hand.ts';
import { AgentError } from './errors.ts';
import { DEFAULT_FOLDER, folderOf, type Options, text } from './options.ts';
import { reloadUnits, socketByUnit, systemdUnit } from './unit.ts';
import { writeOut } from './write-out.ts';

/** systemd.unit(5). */
const UNIT = /^[\w:.@\\][\w:.@\\-]{0,254}$/;

/** Units for systemd; what is left to do is said, because that is for the machine's administrator. */
export async function installHere(options: Options): Promise<string> {
  const folder = folderOf(options);
  const program = resolve(import.meta.dirname, 'licet-agent.js');
  const settings = await settingsByHand(folder);
  const unit = systemdUnit(process.execPath, program, folder, settings);
  const reloaded = unitsIn(text(options, 'reload'));
  const out = text(options, 'out');
  if (out === undefined) {
    if (reloaded.length > 0)
      throw new AgentError('USAGE', '--reload writes more units: say with --out where the first is.');
    return unit;
  }
  const files: [path: string, text: string][] = [[out, unit]];
  if (reloaded.length > 0) {
    const name = `${out.replace(/\.service$/, '')}-reload`;
    const { path, service } = reloadUnits(folder, reloaded);
    files.push([`${name}.path`, path], [`${name}.service`, service]);
  }
  for (const [file, text] of files) await writeOut(file, text);
  const written = files.map(([file]) => file);
  // The third is started by the second.
  const enabled = written.slice(0, 2).map((file) => basename(file));
  const user = `useradd --system --no-create-home licet; chown -R licet: ${folder}`;
  const looked = folder === DEFAULT_FOLDER || settings.socket !== undefined;
  const where = looked ? '' : `; products ask with LICET_AGENT_SOCKET=${socketByUnit(folder)}`;
  return `written to ${written.join(', ')}; next: ${user}; systemctl enable --now ${enabled.join(' ')}${where}`;
}

function unitsIn(given: string | undefined): readonly string[] {
  const units = given?.split(',') ?? [];
  const wrong = units.find((unit) => !UNIT.test(unit));
  if (wrong !== undefined) throw new AgentError('USAGE', `--reload: "${wrong}" is no name of a systemd unit.`);
  return units;
}
