import { decodeCertificate, decodePem, fromHex } from '@licet/format';
import { makeFleet } from '../load/fleet.ts';
import { Fleet, rowOf } from '../load/issuing.ts';
import { history, oldSerial } from '../load/history.ts';
import { ocspPost } from '../load/requests.ts';
import { Shop } from '../load/shop.ts';
import { ocspRequestFor } from '../revocation-shop.ts';
import type { Row } from '../row.ts';

const FEW = 10_000;
/** As many as can be written in this time, if that is less than all; the row says how many they were. */
const MANY = 10_000_000;
const MOST_SECONDS = Number(process.env['LICET_BENCH_FILL_SECONDS'] ?? 180);
const SITES = 1024;
const CLIENTS = 64;
const ROUNDS = 5;
const ASKED = 400;

/** `cost`: CPU of a license, of all processes of the server: a ratio that other work on the machine does not move. */
type Figures = { readonly rate: number[]; readonly cost: number[]; readonly status: number[] };

/** P6: two servers, one with a short history and one with a long one, asked in turn: what else runs here hits both. */
export async function run(): Promise<readonly Row[]> {
  const shops = [await Shop.open(), await Shop.open()] as const;
  try {
    const [few, many] = [await opened(shops[0], FEW, Infinity), await opened(shops[1], MANY, MOST_SECONDS)];
    for (let round = 0; round <= ROUNDS; round++) {
      // The first is the compiler's, and that of the cache.
      for (const one of [few, many]) await measure(one, round > 0);
    }
    const ratios = (of: keyof Figures) => many.figures[of].map((value, i) => value / few.figures[of][i]!);
    const shown = (ratio: number) => `${ratio.toFixed(2)} ×`;
    const stored = `${many.stored.toLocaleString('en')} certificates stored against ${few.stored.toLocaleString('en')}`;
    return [
      rowOf(
        'P6',
        `rate of issuing, ${stored}`,
        ratios('rate'),
        { text: '≥ 0.9 ×', holds: (ratio) => ratio >= 0.9 },
        shown,
      ),
      rowOf('P6', 'CPU of a license, the same', ratios('cost'), { text: '', holds: () => true }, shown),
      rowOf(
        'P6',
        'latency of a status over OCSP, signed on demand, the same',
        ratios('status'),
        { text: '≤ 1.3 ×', holds: (ratio) => ratio <= 1.3 },
        shown,
      ),
    ];
  } finally {
    for (const shop of shops) await shop.close();
  }
}

type Opened = {
  readonly shop: Shop;
  readonly fleet: Fleet;
  readonly stored: number;
  readonly issuer: string;
  readonly figures: Figures;
};

async function opened(shop: Shop, certificates: number, mostSeconds: number): Promise<Opened> {
  const model = await shop.firstLicense('model');
  const fleet = new Fleet(shop, await makeFleet(shop, model, SITES));
  const stored = await history(shop, model, { certificates, mostSeconds });
  return { shop, fleet, stored, issuer: model, figures: { rate: [], cost: [], status: [] } };
}

async function measure({ shop, fleet, stored, issuer, figures }: Opened, counts: boolean): Promise<void> {
  const { perSecond, cpu } = await fleet.renewByApi(CLIENTS);
  const certificate = decodeCertificate(decodePem(issuer, 'CERTIFICATE')[1]!.bytes);
  const requests = Array.from({ length: ASKED }, () => {
    const serial = fromHex(oldSerial(1 + Math.floor(Math.random() * stored)));
    return ocspPost(ocspRequestFor({ certificate }, serial));
  });
  await shop.load.open([{}]);
  const { answers } = await shop.load.send(requests, 1);
  if (answers.some(({ status }) => status !== 200)) throw new Error(`a status was refused: ${answers[0]!.status}`);
  const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  if (!counts) return;
  figures.rate.push(perSecond);
  figures.cost.push(cpu.server + cpu.signer + cpu.PostgreSQL);
  figures.status.push(times[Math.floor(times.length / 2)]!);
}
