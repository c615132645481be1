import { hash } from 'node:crypto';
import { type JournalEntry, SignerClient } from '@licet/authority';
import { DerReader, explicit, Tag, toHex } from '@licet/format';
import { Client } from 'pg';
import type { Crowd } from './crowd.ts';
import { pause } from './server-process.ts';

/** What must be zero, whatever was done to the processes. */
export type Findings = {
  /** Licenses that a client has and the database has not. */
  readonly lost: number;
  /** Serial numbers that stand in two different certificates. */
  readonly twice: number;
  /** Signatures in the journal of which the database knows neither certificate nor order. */
  readonly unrecorded: number;
  /** Places in a lineage that were given twice, and lineages that look like a clone's. */
  readonly forked: number;
  /** Licenses of sites whose end was acknowledged, that no revocation names. */
  readonly unrevoked: number;
};

export const isClean = (found: Findings): boolean => Object.values(found).every((count) => count === 0);

export const sentenceOf = ({ lost, twice, unrecorded, forked, unrevoked }: Findings): string =>
  `${lost} lost, ${twice} serials twice, ${unrecorded} signed without a record, ${forked} forked, ${unrevoked} un-revoked`;

/** Compares what the clients were told with the database and with the journal of the signer that runs in `folder`. */
export async function checkBooks(databaseUrl: string, signerSocket: string, crowd: Crowd): Promise<Findings> {
  const client = new Client(databaseUrl);
  await client.connect();
  const count = async (text: string, values: readonly unknown[] = []): Promise<number> =>
    Number((await client.query<{ count: string }>(text, [...values])).rows[0]?.count);
  try {
    const { orders, twice } = await ordersOf(signerSocket);
    return {
      lost: await count(LOST, [crowd.licensed]),
      twice,
      unrecorded: await count(UNRECORDED, [orders.map(({ key }) => key), orders.map(({ serial }) => serial)]),
      forked: await count(FORKED),
      unrevoked: await untilNone(() => count(UNREVOKED, [crowd.retired])),
    };
  } finally {
    await client.end();
  }
}

/** What is acknowledged is in the outbox, which is emptied in a moment; after a crash, when its leases are over. */
const OUTBOX_MS = 45_000;

async function untilNone(count: () => Promise<number>): Promise<number> {
  for (const until = performance.now() + OUTBOX_MS; ; await pause(500)) {
    const left = await count();
    if (left === 0 || performance.now() > until) return left;
  }
}

const LOST = `
  select count(*) from unnest($1::text[]) as told(serial)
   where not exists (select 1 from certificates c where c.serial = decode(told.serial, 'hex'))
      or not exists (select 1 from licenses l where l.serial = told.serial)`;

const UNRECORDED = `
  select count(*) from unnest($1::text[], $2::text[]) as signed(issuer, serial)
   where not exists (select 1 from certificates c
                      where c.issuer = signed.issuer and c.serial = decode(signed.serial, 'hex'))
     and not exists (select 1 from issue_intents i
                      where i.issuer = signed.issuer and i.serial = decode(signed.serial, 'hex'))`;

const FORKED = `
  select (select count(*) from lineages where status = 'forked')
       + (select count(*) from (select 1 from licenses group by lineage, sequence having count(*) > 1) as places)
       as count`;

const UNREVOKED = `
  select count(*) from licenses l where l.site = any($1::uuid[])
     and not exists (select 1 from revocations r where r.serial = decode(l.serial, 'hex'))`;

type Order = { readonly key: string; readonly serial: string };

const PAGE = 1000;

/** Certificates that were signed, by the journal. */
async function ordersOf(path: string): Promise<{ orders: readonly Order[]; twice: number }> {
  const signer = new SignerClient({ path, timeoutMs: 10_000 });
  try {
    const ordered = new Map<bigint, Order & { digest: string }>();
    const orders: Order[] = [];
    const bytesOf = new Map<string, string>();
    let twice = 0;
    const take = ({ sequence, record }: JournalEntry): void => {
      if (record.type === 'signature' && record.kind === 'certificate') {
        const serial = serialIn(record.signed!);
        const digest = hash('sha256', record.signed!);
        const known = bytesOf.get(`${record.key} ${serial}`);
        if (known !== undefined && known !== digest) twice += 1;
        bytesOf.set(`${record.key} ${serial}`, digest);
        ordered.set(sequence, { key: record.key, serial, digest });
      } else if (record.type === 'signed') {
        const order = ordered.get(record.of);
        if (order !== undefined) orders.push(order);
      }
    };
    for (let after = 0n; ;) {
      const page = await signer.journalAfter(after, PAGE);
      page.forEach(take);
      if (page.length === 0) return { orders, twice };
      after = page.at(-1)!.sequence;
    }
  } finally {
    await signer.close();
  }
}

const LIMITS = { size: 65_536, depth: 4, nodes: 8 };

function serialIn(tbs: Uint8Array): string {
  const reader = new DerReader(tbs, 'tbs', LIMITS);
  reader.enter(Tag.SEQUENCE, '');
  reader.skip(explicit(0), 'version');
  return toHex(reader.integer('serial'));
}
