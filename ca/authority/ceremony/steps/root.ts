import type { ConfigOf } from '../config/index.ts';
import { makeRoot, rootWords } from '../root-key.ts';
import type { Plan, Setting } from './plan.ts';

/** A root: its key, its certificate, and the shares of those who may open it together. */
export async function planRoot(config: ConfigOf<'root'>, { base, room }: Setting): Promise<Plan> {
  const { subject } = config;
  return {
    lines: await rootWords(config, subject, room),
    perform: (sitting) => makeRoot(sitting, config, { subject, base }),
  };
}
