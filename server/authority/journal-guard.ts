import type { Fence } from './fence.ts';
import { type Comparing, type Comparison, compareJournal, type JournalDeps, JournalLost } from './journal-watch.ts';

const EVERY_MS = 30_000;
/** While it is fenced: `licet reconcile` in another process may be done any moment. */
const FENCED_EVERY_MS = 2000;

export type Watch = {
  /** Compares without waiting for its time, and not with what was read before: the journal may be another. */
  look(): void;
  stop(): Promise<void>;
};

export type JournalGuard = {
  /** Compares now, and fences or opens accordingly. */
  check(comparing?: Comparing): Promise<void>;
  /** Keeps comparing, and once more when it is stopped, so that the next start has little to read. */
  watch(report: (error: unknown) => void): Watch;
};

/** Holds the fence to what journal and database say. */
export function createJournalGuard(deps: JournalDeps, fence: Fence): JournalGuard {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const check = async (comparing?: Comparing): Promise<void> => {
    try {
      const comparison = await compareJournal(deps, comparing);
      if (comparison.state === 'level') fence.open();
      else fence.close(sentence(comparison));
    } catch (error) {
      if (error instanceof JournalLost) fence.close(error.message);
      throw error;
    }
  };
  /** One at a time. */
  const once = (comparing?: Comparing): Promise<void> =>
    (running ??= check(comparing).finally(() => (running = undefined)));
  return {
    check: once,
    watch(report) {
      let stopped = false;
      const look = async (): Promise<void> => {
        await once().catch(report);
        if (!stopped) timer = setTimeout(() => void look(), pauseMs(fence)).unref();
      };
      const anew = async (): Promise<void> => {
        // Whoever began it hears of its error.
        await running?.catch(() => undefined);
        if (!stopped) await once().catch(report);
      };
      timer = setTimeout(() => void look(), pauseMs(fence)).unref();
      return {
        look: () => void anew(),
        async stop() {
          stopped = true;
          clearTimeout(timer);
          await once().catch(report);
        },
      };
    },
  };
}

const pauseMs = ({ reason }: Fence): number => (reason === undefined ? EVERY_MS : FENCED_EVERY_MS);

const sentence = ({ orders, revocations }: Extract<Comparison, { state: 'behind' }>): string =>
  `The database is older than the signer's journal, which knows ${orders} more certificates and ${revocations} more revocations: run "licet reconcile".`;
