import { makeCsr } from '@licet/authority/workshop';
import { type Database, sql } from '../../persistence/database.ts';
import { renewLicense } from '../licenses/renew.ts';
import type { Site } from '../model/site.ts';
import { Office, siteActor } from './office.ts';

/** What a machine has on disk: its license, and the request that it is waiting for an answer to. */
type Machine = { serial: string; pending: Uint8Array | undefined };

export type CloneResult = {
  readonly clones: number;
  /** Clones that were not seen when each machine had renewed twice. */
  readonly missed: number;
  readonly killed: number;
  readonly falseAlarms: number;
};

const AT_ONCE = 32;

/**
 * Sites whose state is copied to a second machine, and sites whose agent is killed between the answer and saving it: the
 * first must all show themselves, the second never. Every other clone also copies a request that is under way.
 */
export async function cloneDrill(database: Database, count: number): Promise<CloneResult> {
  const office = new Office(database);
  await office.open();
  const { contract } = await office.customer({ siteCaps: { production: 'unlimited' } });
  const renew = renewLicense(office.deps);

  async function run(site: Site, machine: Machine, isSaved = true): Promise<'renewed' | 'refused'> {
    machine.pending ??= makeCsr();
    try {
      const { serial } = await renew(siteActor(site), { predecessor: machine.serial, csr: machine.pending });
      if (isSaved) Object.assign(machine, { serial, pending: undefined });
      return 'renewed';
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'CLONE_SUSPECTED')) throw error;
      return 'refused';
    }
  }

  async function clone(index: number): Promise<boolean> {
    const { site, license } = await office.site(contract);
    const original: Machine = { serial: license.serial, pending: index % 2 === 0 ? undefined : makeCsr() };
    const copy = { ...original };
    const order = index % 4 < 2 ? [original, copy] : [copy, original];
    const outcomes: string[] = [];
    for (const machine of [...order, ...order]) outcomes.push(await run(site, machine));
    return outcomes.includes('refused') && (await isForked(site));
  }

  async function kill(): Promise<boolean> {
    const { site, license } = await office.site(contract);
    const machine: Machine = { serial: license.serial, pending: undefined };
    for (const isSaved of [false, false, true, false, true]) await run(site, machine, isSaved);
    return isForked(site);
  }

  async function isForked({ lineage }: Site): Promise<boolean> {
    const rows = await database.run('platform', (tx) =>
      sql(tx).query<{ status: string }>('select status from lineages where id = $1', [lineage]),
    );
    return rows[0]?.status === 'forked';
  }

  const caught = await together(count, clone);
  const alarms = await together(count, kill);
  return {
    clones: count,
    missed: caught.filter((isCaught) => !isCaught).length,
    killed: count,
    falseAlarms: alarms.filter(Boolean).length,
  };
}

async function together<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results.push(await work(index));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
