import type { Config } from './config/index.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log } from './log/log.ts';
import type { Metrics } from './metrics/metrics.ts';

/** What the parts of the server are made with. */
export type Ground = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
};
