import { z } from 'zod';
import { port, seconds } from '../fields.ts';

export const operationsSection = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address of the operations listener. It answers anyone who reaches it: never make it public.'),
    port: port().default(9090).describe('Its port; 0 takes any free one.'),
    readinessSeconds: seconds(0.05, 30)
      .default(2)
      .describe('A readiness check that takes longer has failed, unless others are served meanwhile.'),
  })
  .prefault({})
  .describe('The operations listener: /livez, /readyz and /metrics, for the machines that watch over this one.');
