import type { Room } from '../room.ts';
import type { Sitting } from '../sitting.ts';

/** Where the paths of a file start, and who is there. */
export type Setting = { readonly base: string; readonly room: Room };

/** What a ceremony would make, in words, found without any key; and how it is made. */
export type Plan = {
  readonly lines: readonly string[];
  perform(sitting: Sitting): Promise<void>;
};
