import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IssuerGeneration, startSigner } from '@licet/authority';
import { type Bytes, createAlgorithm, encodeCertId, encodeOcspRequest, OID } from '@licet/format';
import { openDatabase } from '@licet/server/database';
import { administer, startCluster } from '@licet/server/test-cluster';
import { Shop } from '@licet/server/test-revocation';

export type Workplace = {
  readonly shop: Shop;
  readonly signerPid: () => number;
  /** For another process: where the database is, and the signer. */
  readonly url: string;
  readonly socket: string;
  close(): Promise<void>;
};

/** A server's revocation on a fresh PostgreSQL, with the signer in its own process, as in production. */
export async function openWorkplace(shards: number): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-bench-revoke-'));
  const cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-bench-pg-')));
  await administer(cluster, 'create database licet');
  const url = cluster.url('licet');
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const database = await openDatabase(
    { host: 'postgresql', url, poolSize: 8, statementTimeoutMs: 120_000, lockTimeoutMs: 10_000 },
    {
      clock: { now: () => new Date() },
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      log: silent,
    },
  );
  const supervised = await startSigner({
    folder,
    vault: { kind: 'file' },
    secret: async () => ({ wrappingKey: new Uint8Array(randomBytes(32)) }),
  });
  const shop = await Shop.open({ ...database, url }, shards, supervised.signer);
  return {
    shop,
    signerPid: () => supervised.pid() ?? 0,
    url,
    socket: join(folder, 'signer.sock'),
    close: async () => {
      await shop.close();
      await supervised.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Serials that were issued, as many as wanted, without the work of issuing them. */
export async function makeSerials({ shop }: Workplace, issuer: string, count: number, revoked: boolean): Promise<void> {
  const from = "decode('01' || md5($1 || n::text), 'hex')";
  await shop.database.dataSource.query(
    `insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until)
     select $1, ${from}, 'acme', 0, now() + interval '20 days', now() + interval '20 days'
       from generate_series(1, $2::integer) as n on conflict do nothing`,
    [issuer, count],
  );
  if (!revoked) return;
  await shop.database.dataSource.query(
    `insert into revocations (issuer, serial, organization, crl_shard, not_after, reason, revoked_at, change)
     select $1, ${from}, 'acme', 0, now() + interval '20 days', 1 + n % 5, now(), 1
       from generate_series(1, $2::integer) as n on conflict do nothing`,
    [issuer, count],
  );
  await shop.database.dataSource.query('update revocation_changes set last = last + 1');
  await shop.database.dataSource.query('analyze revocations');
}

/** Microseconds of CPU that a process has used. */
export function cpuOf(pid: number): number {
  const [, user = '0', system = '0'] =
    /\) \S(?: \S+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return (Number(user) + Number(system)) * 10_000;
}

/** As most clients ask: SHA-1, one certificate, no nonce. */
export function ocspRequestFor({ certificate }: Pick<IssuerGeneration, 'certificate'>, serial: Bytes): Uint8Array {
  const raw = encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha1, 'null'),
    issuerNameHash: hash('sha1', certificate!.subject.raw, 'buffer'),
    issuerKeyHash: hash('sha1', certificate!.publicKey.key, 'buffer'),
    serial,
  });
  return encodeOcspRequest({ requests: [{ raw }] });
}
