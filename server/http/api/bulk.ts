import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { exportRows } from '../../licensing/bulk/export.ts';
import { importLines, type LineResult } from '../../licensing/bulk/import.ts';
import { BULK_KINDS } from '../../licensing/bulk/rows.ts';
import { LicetError } from '../../licensing/errors.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

/** The text itself may have 16 MiB; its line ends and quotes take more as JSON. */
const MOST_BYTES = 24 * 1024 * 1024;

const JSON_LINES = 'application/x-ndjson';

/** One line of JSON for each line of the file as it is done, between how many there are and what came of them. */
async function* told({ total, results }: ReturnType<ReturnType<typeof importLines>>): AsyncGenerator<string> {
  const line = (value: object): string => `${JSON.stringify(value)}\n`;
  yield line({ total });
  const counts = { created: 0, refused: 0 };
  try {
    for await (const result of results()) {
      counts[result.outcome] += 1;
      yield line(result satisfies LineResult);
    }
  } catch (error) {
    if (!(error instanceof LicetError)) throw error;
    // Half of it is done: whoever sends the file again later hears which half.
    yield line({ outcome: 'stopped', code: error.code, message: error.message });
  }
  yield line(counts);
}

export const bulkEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/import',
    operation: 'importRows',
    tag: 'Customers',
    summary: 'Import enterprises, contracts or sites in bulk',
    description:
      'A dry run unless it says otherwise. Each line is done by itself: one bad line costs no other, and a file that was imported in part can be sent again. The answer comes as lines of JSON while the work goes on: `total`, then the outcome of each line, then how many were `created` and `refused`.',
    action: 'data.import',
    isLight: true,
    body: importLines.input,
    bodyBytes: MOST_BYTES,
    status: 200,
    media: [JSON_LINES],
    answer: z.string(),
    example: {
      body: { kind: 'enterprise', format: 'csv', text: 'slug,name\r\nglobex,Globex Corporation\r\n', dryRun: true },
      answer:
        '{"total":1}\n{"line":2,"outcome":"created","id":"019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f01"}\n{"created":1,"refused":0}\n',
    },
    refusals: { CSV_INVALID: 400, JSON_INVALID: 400 },
    run: ({ principal, body }, { licensing }) => Promise.resolve(importLines(licensing)(principal, body)),
    reply: (lines) => ({ body: '', chunks: told(lines) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/export',
    operation: 'exportRows',
    tag: 'Customers',
    summary: 'Export all enterprises, contracts or sites',
    description:
      'Lines that an import takes; references are slugs, contract numbers and plan codes. A cell that a spreadsheet would run as a formula begins with an apostrophe, which an import takes away again.',
    action: 'data.export',
    query: z.strictObject({ kind: z.enum(BULK_KINDS), format: z.enum(['csv', 'jsonl']).default('csv') }),
    status: 200,
    media: ['text/csv', JSON_LINES],
    answer: z.string(),
    example: { answer: 'slug,name,status\r\nglobex,Globex Corporation,active\r\n' },
    run({ principal, query: { kind, format } }, { licensing }) {
      boundsOf(principal, 'data.export');
      return Promise.resolve({ kind, format, rows: exportRows(licensing, principal, kind, format) });
    },
    reply: ({ kind, format, rows }) => ({
      body: '',
      chunks: rows,
      headers: {
        'Content-Type': format === 'csv' ? 'text/csv; charset=utf-8' : JSON_LINES,
        'Content-Disposition': `attachment; filename="${kind}.${format}"`,
      },
    }),
  }),
];
