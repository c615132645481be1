import { relative } from 'node:path';
import Mocha from 'mocha';

const { EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;
/** Slower than this, with all that is made ready for its tests, a file is worth a line: the whole suite has four minutes. */
const SLOW_MS = 8_000;

/** Says little while all is well, everything about what is not, and never lets a skip drown. */
export default class Reporter extends Mocha.reporters.Base {
  readonly #msOf = new Map<string, number>();
  readonly #skipped: string[] = [];
  readonly #failed: Mocha.Test[] = [];
  #passed = 0;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.on(EVENT_HOOK_END, (hook) => this.#spent(hook));
    runner.on(EVENT_TEST_PASS, (test) => {
      this.#passed += 1;
      this.#spent(test);
      if (this.#passed % 100 === 0) process.stdout.write(`… ${this.#passed} passed\n`);
    });
    runner.on(EVENT_TEST_PENDING, (test) => this.#skipped.push(test.fullTitle()));
    runner.on(EVENT_TEST_FAIL, (test, error: Error) => {
      test.err ??= error;
      this.#failed.push(test);
      process.stdout.write(`FAILED: ${test.fullTitle()}\n`);
    });
    runner.once(EVENT_RUN_END, () => this.#finish());
  }

  #spent({ file, duration }: Mocha.Runnable): void {
    const name = relative('', file ?? '');
    this.#msOf.set(name, (this.#msOf.get(name) ?? 0) + (duration ?? 0));
  }

  #finish(): void {
    if (this.#failed.length > 0) Mocha.reporters.Base.list(this.#failed);
    const slow = [...this.#msOf].filter(([, ms]) => ms > SLOW_MS).toSorted(([, a], [, b]) => b - a);
    for (const [file, ms] of slow) process.stdout.write(`slow: ${(ms / 1000).toFixed(0).padStart(3)} s  ${file}\n`);
    for (const title of this.#skipped) process.stdout.write(`SKIPPED: ${title}\n`);
    if (this.#skipped.length > 0) {
      process.stdout.write('Some tests were skipped, see the reasons above; .ci/run installs what they need.\n');
    }
    const seconds = ((this.stats.duration ?? 0) / 1000).toFixed(0);
    process.stdout.write(`The suite took ${seconds} s.\n`);
    process.stdout.write(`${this.#passed} passed, ${this.#failed.length} failed, ${this.#skipped.length} skipped\n`);
  }
}
