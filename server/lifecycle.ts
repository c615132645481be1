import type { Log } from './log/log.ts';

export type Stage = {
  readonly name: string;
  /** False: it ended, but not cleanly. */
  stop(): Promise<boolean | void>;
};

export type LifecycleOptions = {
  readonly log: Log;
  readonly codes: { readonly clean: number; readonly cut: number; readonly crashed: number };
  readonly exit: (code: number) => void;
  /** After this the process ends even if a stage hangs. */
  readonly hardLimitMs: number;
};

export type Lifecycle = {
  /** Stages are stopped in the order in which they were added. */
  add(stage: Stage): void;
  /** SIGTERM, SIGINT: stop in order; a second one ends the process at once. */
  signal(name: string): void;
  /** An error that nobody caught: stop in order, then end with the code of a crash. */
  crash(err: unknown): void;
  /** A start that failed: what was started by then is stopped in order. Whoever started it ends the process. */
  abandon(): Promise<void>;
};

export function createLifecycle({ log, codes, exit, hardLimitMs }: LifecycleOptions): Lifecycle {
  const stages: Stage[] = [];
  let stopping = false;
  const stopAll = async (code: number): Promise<number> => {
    stopping = true;
    let worst = code;
    for (const stage of stages) {
      try {
        if ((await stage.stop()) === false) worst ||= codes.cut;
      } catch (err) {
        log.error({ component: stage.name, err }, 'did not stop cleanly');
        worst ||= codes.crashed;
      }
    }
    return worst;
  };
  const stop = async (code: number) => {
    // A stage that hangs must not keep the process: whoever asked it to end would have to kill it.
    const hard = setTimeout(() => {
      log.error({ exitCode: codes.cut }, 'shutdown took too long');
      exit(codes.cut);
    }, hardLimitMs).unref();
    const worst = await stopAll(code);
    clearTimeout(hard);
    log.info({ exitCode: worst }, 'stopped');
    exit(worst);
  };
  return {
    add: (stage) => void stages.push(stage),
    signal(name) {
      if (stopping) {
        log.warn({ signal: name }, 'second signal, ending at once');
        exit(codes.cut);
        return;
      }
      log.info({ signal: name }, 'stopping: finishing what is running');
      void stop(codes.clean);
    },
    crash(err) {
      log.error({ err }, 'an error nobody caught; stopping');
      if (!stopping) void stop(codes.crashed);
    },
    async abandon() {
      let hard: NodeJS.Timeout | undefined;
      const tooLong = new Promise((resolve) => (hard = setTimeout(resolve, hardLimitMs)));
      await Promise.race([stopAll(codes.crashed), tooLong]);
      clearTimeout(hard);
    },
  };
}
