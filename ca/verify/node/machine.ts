import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Said in front of each value, so that what leaves the machine is of no use to anybody else who knows the machine. */
const CONTEXT = 'licet machine v1';

/**
 * What tells this machine from others, for licenses that are bound to one: its systemd identity, its network cards and
 * its disks, each as a hash. Read anew each time, so that a copied folder does not bring the answers along; and only what
 * everybody may read, so that it is the same for root and for the user of a service. A second sign of a copy, never the
 * only one: virtual machines are copied with all of this.
 */
export async function machineFingerprints(root = '/'): Promise<string[]> {
  const at = (path: string): string => join(root, path);
  const identity = await valuesOf('machine', [at('etc/machine-id')]);
  const cards = await devices(at('sys/class/net'), 'address');
  const disks = [
    ...(await devices(at('sys/block'), 'device/wwid')),
    ...(await devices(at('sys/class/nvme'), 'serial')),
  ];
  return [...identity, ...(await valuesOf('network', cards)), ...(await valuesOf('disk', disks))].slice(0, MOST);
}

/** More are not taken into a license. */
const MOST = 8;
/** What a card without an address of its own says. */
const NO_VALUES: ReadonlySet<string> = new Set(['', '00:00:00:00:00:00', 'uninitialized']);

/** Only what hangs on a bus: bridges, tunnels and loops come and go. */
async function devices(folder: string, file: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await namesIn(folder)).toSorted()) {
    if ((await namesIn(join(folder, name, 'device'))).length > 0) found.push(join(folder, name, file));
  }
  return found;
}

async function valuesOf(kind: string, files: readonly string[]): Promise<string[]> {
  const values = new Set<string>();
  for (const file of files) {
    const value = await readFile(file, 'utf8').catch(absent);
    if (value !== undefined && !NO_VALUES.has(value.trim())) values.add(`${kind}:${hashed(kind, value.trim())}`);
  }
  return [...values];
}

const hashed = (kind: string, value: string): string =>
  createHmac('sha256', CONTEXT).update(`${kind}\0${value}`).digest('hex').slice(0, 32);

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Machines differ in what they have and in what they show; what is not to be read does not count. */
const absent = (): undefined => undefined;
