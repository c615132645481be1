import { parseArgs } from 'node:util';
import { publishDue } from '@licet/authority';
import { acceptJournal } from '../authority/journal-watch.ts';
import type { Homeless } from '../authority/ports/license-records.ts';
import { reconcile } from '../authority/reconcile.ts';
import { type Backstage, splitArguments, withBackstage } from './backstage.ts';
import { LicetError } from '../licensing/errors.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../persistence/authority/partitions.ts';
import { licenseRecords } from '../persistence/licensing/license-records.ts';
import { systemRandom as random } from '../random.ts';
import { print, runToEnd } from './end.ts';
import { publishingOf } from '../wiring/status.ts';

// `licet reconcile`: after an old backup was restored, puts back what the signer's journal knows.
//
//   node reconcile.ts [--accept-journal | --accept-clock] [-- CONFIGURATION]

async function main(argv: readonly string[]): Promise<void> {
  const { own, configuration } = splitArguments(argv);
  const options = { 'accept-journal': { type: 'boolean' }, 'accept-clock': { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: own, options });
  const work = values['accept-clock'] === true ? acceptClock : values['accept-journal'] === true ? accept : putBack;
  await withBackstage(configuration, work);
}

async function putBack({ database, authority }: Backstage): Promise<void> {
  const { certificates, serials, revocations, authorities, domain } = await reconcile({
    ...authority.journal,
    licenses: licenseRecords,
    auditLog,
    random,
    publish: authority.publish,
    makePartitions: async (from) => {
      await database.run('platform', (tx) => makeCertificatePartitions(tx, from));
    },
  });
  print(`Put back: ${certificates} certificates, ${revocations} revocations, ${authorities} authorities.`);
  if (serials > 0) print(`${serials} orders were never signed; their serial numbers are taken.`);
  print(`Licenses that can be renewed again: ${domain.licenses}, of these sites made anew: ${domain.sites}.`);
  for (const [lineage, reason] of domain.homeless) print(`Lineage ${lineage} has no site: ${WHY[reason]}`);
  print('The database knows all that the journal knows. A server that was fenced opens within seconds.');
}

const WHY: Readonly<Record<Homeless, string>> = {
  contract: 'its contract is younger than the backup. Make the contract again, and enrol the site anew.',
  name: 'another site that is alive has its name. Find out which of the two it is, and enrol it anew.',
};

async function accept({ authority }: Backstage): Promise<void> {
  await acceptJournal(authority.journal);
  print(
    'This journal counts from now on. What only the lost one knew is lost: revoke what may have been signed with it.',
  );
}

/** Once: what is published from then on follows lists that are not from the future. */
async function acceptClock({ authority }: Backstage): Promise<void> {
  const { guard, fence, journal } = authority;
  await guard.check();
  fence.assertOpen();
  const refused: string[] = [];
  const publishing = publishingOf(authority, journal.signer, (event) => {
    if (event.kind === 'refused')
      refused.push(event.error instanceof Error ? event.error.message : String(event.error));
  });
  print(`It is ${journal.clock.now().toISOString()} by the clock of this machine.`);
  const { published, busy } = await publishDue({ ...publishing, acceptClock: true });
  print(`${published} CRLs were made by it; those from the future among them are followed, and their numbers rise on.`);
  for (const message of refused) print(message);
  if (refused.length + busy === 0) return;
  const message = `${refused.length} CRLs were refused, ${busy} are busy: run it again.`;
  throw new LicetError('conflict', 'CRL_REFUSED', message);
}

await runToEnd(main);
