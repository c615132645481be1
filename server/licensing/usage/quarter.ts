import { z } from 'zod';

const FORM = /^(20\d{2})-Q([1-4])$/;

export const quarterInput = z
  .string()
  .regex(FORM, 'must be a quarter, as 2026-Q4')
  .describe('A quarter of the year, in UTC.')
  .meta({ example: '2026-Q4' });

/** Half open, so that quarters neither overlap nor leave a gap. */
export function quarterOf(text: string): { readonly from: Date; readonly to: Date } {
  const [, year = '', quarter = ''] = FORM.exec(text) ?? [];
  const month = (Number(quarter) - 1) * 3;
  return { from: new Date(Date.UTC(Number(year), month)), to: new Date(Date.UTC(Number(year), month + 3)) };
}

export const textOfQuarter = (at: Date): string => `${at.getUTCFullYear()}-Q${Math.floor(at.getUTCMonth() / 3) + 1}`;
