import { resolve } from 'node:path';
import { type CrlEntryFields, encodePem, fromHex, toHex } from '@licet/format';
import { checkCrlSync } from '@licet/verify';
import { AuthorityError } from '../../errors.ts';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import type { ConfigOf } from '../config/index.ts';
import { invalid } from '../config/invalid.ts';
import { crlFileOf, type ReadyCrl, readCrlFolder } from '../crl-folder.ts';
import { readIssuer } from '../issuer-file.ts';
import { type CrlPeriod, numberOf, periodsOf, signCrls } from '../root-crls.ts';
import { withSigner } from '../unlock.ts';
import { instantText, sha256 } from '../words.ts';
import type { Plan, Setting } from './plan.ts';

type Config = ConfigOf<'crl'>;

/** The CRLs of a root for years ahead, so that it need not leave its safe each time that one runs out. */
export async function planCrls(config: Config, { base, room }: Setting): Promise<Plan> {
  const { issuer, chainText } = await readIssuer(config.issuer, base, 'root');
  const periods = periodsOf({ ...config, from: config.from ?? room.clock.now() });
  const revoked = entriesOf(config, periods[0]!);
  checkEnd(issuer, periods);
  const previous = config.previous === undefined ? [] : await readCrlFolder(resolve(base, config.previous));
  checkPrevious(previous, periods, revoked);
  return {
    lines: [
      ...periods.map(
        (period) => `${crlFileOf(period)}: number ${numberOf(period)}, until ${instantText(period.nextUpdate)}`,
      ),
      `each at ${issuer.addresses!.crls[0]}`,
      ...(revoked.length === 0 ? ['nothing is revoked'] : revoked.map(entryWords)),
    ],
    async perform(sitting) {
      await sitting.keepInput('issuer.pem', chainText);
      for (const { name, text } of previous) await sitting.keepInput(`previous/${name}`, text);
      await withSigner(sitting, base, config.issuer.signer, async (signer) => {
        const lists = await signCrls(signer, issuer, periods, revoked);
        for (const [i, der] of lists.entries()) {
          prove(der, issuer, periods[i]!);
          const name = crlFileOf(periods[i]!);
          await sitting.write(name, encodePem('X509 CRL', der));
          sitting.note(`crl ${name} sha256 ${sha256(der)}`);
        }
      });
    },
  };
}

function entriesOf({ revoked }: Config, first: CrlPeriod): CrlEntryFields[] {
  const serials = revoked.map(({ serial }) => serial);
  if (new Set(serials).size !== serials.length) throw invalid(['revoked: a serial stands there twice']);
  return revoked.map(({ serial, at, reason, invalidSince }, i) => {
    if (at > first.thisUpdate) throw invalid([`revoked.${i}.at: is after the first CRL begins`]);
    return { serial: fromHex(serial), revokedAt: at, reason, invalidityDate: invalidSince };
  });
}

const entryWords = ({ serial, revokedAt, reason }: CrlEntryFields) =>
  `revoked: ${toHex(serial)} since ${instantText(revokedAt)} (${reason})`;

function checkEnd({ certificate }: IssuerGeneration, periods: readonly CrlPeriod[]): void {
  const end = certificate!.notAfter;
  const beyond = periods.find(({ thisUpdate }) => thisUpdate > end);
  if (beyond === undefined) return;
  throw invalid([`count: ${crlFileOf(beyond)} would begin after the root has ended, ${instantText(end)}`]);
}

/** RFC 5280 §5.2.3: no number twice. §5.1.2.6 and common sense: what is revoked stays revoked. */
function checkPrevious(
  previous: readonly ReadyCrl[],
  periods: readonly CrlPeriod[],
  revoked: readonly CrlEntryFields[],
): void {
  const own = new Set(revoked.map(({ serial }) => toHex(serial)));
  const numbers = new Set(periods.map((period) => String(numberOf(period))));
  for (const { name, crl } of previous) {
    for (const { serial } of crl.entries()) {
      if (!own.has(toHex(serial))) {
        throw new AuthorityError(
          'CRL_REFUSED',
          `${name} revoked ${toHex(serial)}, which is missing here; what is revoked stays revoked.`,
        );
      }
    }
    if (numbers.has(String(crl.extensions.crlNumber))) {
      throw new AuthorityError('CRL_REFUSED', `${name} has the number of a CRL to be made; begin at another time.`);
    }
  }
}

/** By the verifier that meets it later, at the time for which it is made. */
function prove(der: Uint8Array, issuer: IssuerGeneration, { thisUpdate }: CrlPeriod): void {
  const own = issuer.certificate!;
  const { status, detail } = checkCrlSync(der, { cert: own, issuer: own, at: thisUpdate });
  if (status === 'good') return;
  throw new AuthorityError(
    'PROOF_FAILED',
    `The CRL is not handed out, because our own verifier refuses it: ${detail}.`,
  );
}
