import type { Code } from '../codes.ts';

/** One thing that is wrong with a path. `at` counts from the leaf, which is 0, up to the anchor. */
export type Finding = { readonly code: Code; readonly at: number; readonly detail: string };

/** One thing that is wrong with one certificate, wherever it stands. */
export type Defect = { readonly code: Code; readonly detail: string };
