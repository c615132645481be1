import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AuthorityError } from '../errors.ts';
import { syncFolder } from '../keys/durable-file.ts';
import { type AuthorityKind, type CeremonyConfig, type CeremonyKind, readCeremony } from './config/index.ts';
import { invalid } from './config/invalid.ts';
import type { Room } from './room.ts';
import { Sitting } from './sitting.ts';
import { planOf } from './steps/index.ts';
import { Transcript } from './transcript.ts';
import { sha256 } from './words.ts';

export type HoldOptions = {
  /** The YAML file. */
  readonly file: string;
  readonly allowed: readonly CeremonyKind[];
  /** The authorities that may be named in it; all, if left out. */
  readonly authorities?: readonly AuthorityKind[];
  /** Only says what would be made. */
  readonly dryRun: boolean;
  /** Nobody is asked whether to go on. */
  readonly yes: boolean;
};

export type Held = { readonly folder: string; readonly seal: string };

/**
 * One ceremony from its file: read, planned, shown, confirmed, done. The output folder appears at the very end and as a
 * whole. Whoever was interrupted holds the ceremony again; what a key has signed until then stands in its journal.
 */
export async function holdCeremony(options: HoldOptions, room: Room): Promise<Held | undefined> {
  const base = dirname(resolve(options.file));
  const yaml = await readFile(options.file, 'utf8');
  const config = readCeremony(yaml, options.allowed);
  checkAuthority(config, options.authorities);
  const output = resolve(base, config.output);
  if (existsSync(output))
    throw invalid([`output: ${config.output} exists already; each ceremony makes a folder of its own`]);
  const plan = await planOf(config, { base, room });
  room.say(`This ceremony (${config.ceremony}) makes the folder ${config.output} with:`);
  for (const line of plan.lines) room.say(`  ${line}`);
  if (options.dryRun) return undefined;
  const transcript = new Transcript(room.clock);
  begin(transcript, config, yaml, room);
  for (const line of plan.lines) transcript.add(`plan: ${line}`);
  return inNewFolder(output, async (folder) => {
    const sitting = new Sitting(folder, room, transcript);
    await confirm(sitting, options.yes);
    await sitting.keepInput('ceremony.yaml', yaml);
    await plan.perform(sitting);
    const seal = await sitting.end();
    room.say(`The seal of the transcript, to be written down by all witnesses: ${seal}`);
    return { folder: output, seal };
  });
}

function checkAuthority(config: CeremonyConfig, allowed: readonly AuthorityKind[] | undefined): void {
  if (!('authority' in config) || allowed === undefined || allowed.includes(config.authority)) return;
  throw invalid([`authority: must be ${allowed.join(' or ')} with this command`]);
}

function begin(transcript: Transcript, config: CeremonyConfig, yaml: string, { program }: Room): void {
  transcript.add(`ceremony ${config.ceremony}`);
  for (const { name, role } of config.witnesses) transcript.add(`witness ${name}, ${role}`);
  transcript.add(`program licet ${program.version} sha256 ${program.hash} node ${program.node}`);
  transcript.add(`its file sha256 ${sha256(yaml)}`);
}

async function confirm(sitting: Sitting, yes: boolean): Promise<void> {
  if (yes) {
    sitting.note('confirmed beforehand by --yes');
    return;
  }
  const answer = await sitting.ask('Is this what is to be made? Type yes to go on:');
  if (answer?.trim() === 'yes') return;
  const why = answer === undefined ? 'Nobody is there to say yes; give --yes.' : 'It was not confirmed.';
  throw new AuthorityError('CEREMONY_INVALID', `Nothing was made. ${why}`);
}

/** Beside its place, so that the rename that makes it visible is one step. Leftovers of a killed run go first. */
async function inNewFolder<T>(output: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = dirname(output);
  const prefix = `.${basename(output)}.unfinished-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true });
  }
  const draft = await mkdtemp(join(parent, prefix));
  try {
    const result = await work(draft);
    await syncFolder(draft);
    await rename(draft, output);
    await syncFolder(parent);
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}
