import { runBitMutants } from '@licet/verify/bit-mutants';

const LEAVES = 20;
const CRLS = 5;

/** B2: every single-bit mutant of leaves and CRLs before the path validator. The suite runs a sample of the same. */
export async function run(): Promise<{ id: 'B2'; bar: string; figure: string; pass: boolean }> {
  const { mutants, accepted } = await runBitMutants({ leaves: LEAVES, crls: CRLS, step: 1 });
  const first = accepted[0] === undefined ? '' : `, the first: ${accepted[0]}`;
  return {
    id: 'B2',
    bar: `every single-bit mutant of ${LEAVES} leaves and ${CRLS} CRLs: 0 accepted`,
    figure: `${accepted.length} of ${mutants.toLocaleString('en')} accepted${first}`,
    pass: accepted.length === 0,
  };
}
