import { z } from 'zod';

/** RFC 9457, as `server/problem.ts` makes it. */
export const problem = z
  .strictObject({
    type: z.string().meta({ example: 'urn:licet:problem:version-stale' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What is wrong and what to do, in one sentence.' }),
    code: z.string().meta({ description: 'Stable: programs may depend on it.', example: 'VERSION_STALE' }),
    instance: z.string().meta({ description: 'Names the request; quote it when asking for help.' }),
    errors: z
      .array(z.strictObject({ pointer: z.string().meta({ description: 'RFC 6901.' }), detail: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem' });
