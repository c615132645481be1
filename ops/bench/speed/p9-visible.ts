import { setTimeout as pause } from 'node:timers/promises';
import { createCrlPublisher } from '@licet/authority';
import { decodeCertificateList, decodeOcspResponse } from '@licet/format';
import { ocspRequestFor, openWorkplace, type Workplace } from '../revocation-shop.ts';
import type { Row } from '../row.ts';
import type { License } from '@licet/server/test-revocation';

const CERTIFICATES = 60;
/** Between two revocations: some fall into one publication, some do not. */
const PAUSE_MS = 150;
const LOOK_EVERY_MS = 20;
const OCSP_SECONDS = 1;
const CRL_SECONDS = 5;

type Seen = { readonly ocsp: number; readonly crl: number };

/** P9: from the acknowledged revocation to the first answer over HTTP that shows it. OCSP was asked, and cached, before. */
export async function run(): Promise<readonly Row[]> {
  const workplace = await openWorkplace(4);
  const { shop } = workplace;
  const report = () => {};
  const { signer, store, generations } = shop;
  const clock = { now: () => new Date() };
  const publisher = createCrlPublisher({ signer, store, clock, generations, report });
  // Real time from here on.
  const timer = setInterval(() => (shop.now = new Date()), 1);
  try {
    await publisher.run();
    const licenses: License[] = [];
    for (let i = 0; i < CERTIFICATES; i += 1) licenses.push(await shop.license());
    const seen: Promise<Seen>[] = [];
    for (const license of licenses) {
      await statusOf(workplace, license);
      await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), license);
      publisher.nudge();
      seen.push(watch(workplace, license, performance.now()));
      await pause(PAUSE_MS);
    }
    const all = await Promise.all(seen);
    return [
      row(
        'OCSP',
        OCSP_SECONDS,
        all.map(({ ocsp }) => ocsp),
      ),
      row(
        'CRL',
        CRL_SECONDS,
        all.map(({ crl }) => crl),
      ),
    ];
  } finally {
    clearInterval(timer);
    await publisher.stop();
    await workplace.close();
  }
}

async function watch(workplace: Workplace, license: License, start: number): Promise<Seen> {
  const [ocsp, crl] = await Promise.all([
    until(start, async () => (await statusOf(workplace, license)) === 'revoked'),
    until(start, async () => isListed(workplace, license)),
  ]);
  return { ocsp, crl };
}

async function until(start: number, isSeen: () => Promise<boolean>): Promise<number> {
  while (!(await isSeen())) {
    if (performance.now() - start > 30_000) return Infinity;
    await pause(LOOK_EVERY_MS);
  }
  return (performance.now() - start) / 1000;
}

async function statusOf({ shop }: Workplace, { serial }: License): Promise<string | undefined> {
  const body = Buffer.from(ocspRequestFor(shop.enterprise, serial));
  const response = await fetch(`${shop.served.url}/ocsp`, { method: 'POST', body });
  return decodeOcspResponse(new Uint8Array(await response.arrayBuffer())).basic?.responses[0]?.status.kind;
}

async function isListed({ shop }: Workplace, license: License): Promise<boolean> {
  const [known] = await shop.store.find([license]);
  const response = await fetch(shop.enterprise.addresses!.crls[known!.crlShard]!);
  return decodeCertificateList(new Uint8Array(await response.arrayBuffer())).find(license.serial) !== undefined;
}

function row(what: string, bar: number, seconds: readonly number[]): Row {
  const sorted = seconds.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]!;
  const shown = (value: number) => `${value.toFixed(2)} s`;
  const spread = `${shown(sorted[0]!)} to ${shown(sorted.at(-1)!)}`;
  const title = `revocation to visible, ${what}, p99 of ${seconds.length}`;
  return { id: 'P9', what: title, bar: `≤ ${bar} s`, figure: shown(p99), spread, pass: p99 <= bar };
}
