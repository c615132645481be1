import { parseArgs } from 'node:util';
import { acceptJournal } from '../authority/journal-watch.ts';
import type { Homeless } from '../authority/ports/license-records.ts';
import { reconcile } from '../authority/reconcile.ts';
import { type Backstage, splitArguments, withBackstage } from './backstage.ts';
import { LicetError } from '../licensing/errors.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { makeCertificatePartitions } from '../persistence/authority/partitions.ts';
import { licenseRecords } from '../persistence/licensing/license-records.ts';
import { systemRandom as random } from '../random.ts';
import { startFailure } from '../start-error.ts';

// `licet reconcile`: after an old backup was restored, puts back what the signer's journal knows.
//
//   node reconcile.ts [--accept-journal] [-- CONFIGURATION]

async function main(argv: readonly string[]): Promise<void> {
  const { own, configuration } = splitArguments(argv);
  const { values } = parseArgs({ args: own, options: { 'accept-journal': { type: 'boolean' } } });
  await withBackstage(configuration, values['accept-journal'] === true ? accept : putBack);
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

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, exitCode, isForeseen } = startFailure(error);
  process.stderr.write(`licet: ${isForeseen || !(error instanceof Error) ? message : error.message}\n`);
  process.exitCode = error instanceof LicetError ? 1 : exitCode;
}
