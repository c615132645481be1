import { signerFaults } from '@licet/server/test-authority';
import type { Row } from '../row.ts';

const ANSWER_MS = 2000;

/** F5: without its signer the server says so in time, and serves what is made already. */
export async function run(): Promise<readonly Row[]> {
  return (await signerFaults()).map(({ fault, ms, refused, served, backMs }) => ({
    id: 'F5',
    what: `the signer ${fault}`,
    bar: 'answered within 2 s, with a time to come back; CRLs stay up',
    figure: `${Math.round(ms)} ms; CRLs ${served ? 'up' : 'DOWN'}; issuing again after ${Math.round(backMs)} ms`,
    pass: ms <= ANSWER_MS && refused && served,
  }));
}
