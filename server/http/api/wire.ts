import { parseSerial } from '@licet/format';
import type { Request } from 'express';
import { z } from 'zod';
import { parseInput } from '../input.ts';
import type { Endpoint } from './endpoint.ts';

type Input = { readonly params: Record<string, unknown>; readonly query: Record<string, unknown> };

const NOTHING = z.strictObject({});

/**
 * What stands in the URL. The errors point to `/path/…` and `/query/…`. An id that can be none is left to the use case: it is
 * "not found", the same as one of somebody else's.
 */
export function urlReader({ params = NOTHING, query = NOTHING }: Endpoint): (request: Request) => Input {
  // Once for each endpoint: a schema is compiled when it is first used.
  const schema = z.object({ path: params, query });
  return (request) => {
    const parsed = parseInput(schema, { path: { ...request.params }, query: { ...request.query } });
    return { params: parsed.path, query: parsed.query };
  };
}

/** Instants as they go over the wire. */
export const instant = z.iso.datetime().meta({ description: 'RFC 3339, UTC.', example: '2026-01-31T12:00:00.000Z' });

export const id = z.string().min(1).max(64).meta({ description: 'The id, as a create or a list has answered it.' });

export const idParams = z.strictObject({ id });

export const serialParams = z.strictObject({
  serial: z
    .string()
    .min(1)
    .max(80)
    .meta({ description: 'The serial in hexadecimal, as any program prints it.' })
    .transform((text) => parseSerial(text) ?? text),
});
