import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Program } from './program.ts';

/** Where a ceremony takes place: the people at the keyboard, the clock on the wall, the program in use. */
export type Room = {
  readonly clock: Clock;
  readonly random: Random;
  readonly program: Program;
  say(line: string): void;
  /** undefined: nobody is there who could answer. */
  ask(question: string): Promise<string | undefined>;
};
