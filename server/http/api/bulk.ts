import { z } from 'zod';
import { importRows } from '../../licensing/bulk/import.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

const line = z.union([
  z.strictObject({ line: z.int(), outcome: z.literal('created'), id: z.string() }),
  z.strictObject({ line: z.int(), outcome: z.literal('refused'), code: z.string(), message: z.string() }),
]);

/** The text itself may have 16 MiB; its line ends and quotes take more as JSON. */
const MOST_BYTES = 24 * 1024 * 1024;

export const bulkEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/import',
    operation: 'importRows',
    tag: 'Customers',
    summary: 'Import enterprises, contracts or sites in bulk',
    description:
      'A dry run unless it says otherwise. Each line is done by itself: one bad line costs no other, and a file that was imported in part can be sent again.',
    action: 'data.import',
    body: importRows.input,
    bodyBytes: MOST_BYTES,
    status: 200,
    answer: z.strictObject({ created: z.int(), refused: z.int(), lines: z.array(line) }),
    example: {
      body: { kind: 'enterprise', format: 'csv', text: 'slug,name\r\nglobex,Globex Corporation\r\n', dryRun: true },
      answer: {
        created: 1,
        refused: 0,
        lines: [{ line: 2, outcome: 'created', id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f01' }],
      },
    },
    refusals: { CSV_INVALID: 400, JSON_INVALID: 400 },
    run: ({ principal, body }, { licensing }) => importRows(licensing)(principal, body),
    reply: ({ created, refused, lines }) => ({ body: { created, refused, lines: lines.map((it) => ({ ...it })) } }),
  }),
];
