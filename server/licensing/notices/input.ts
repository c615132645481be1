import type { z } from 'zod';
import type { Principal } from '../model/principal.ts';
import { parsed } from '../use-case.ts';
import type { NoticeDeps } from './ports.ts';

/** As `useCase`, for those that are made with more than the licensing knows. */
export const noticeUseCase = <Schema extends z.ZodType, Result>(
  input: Schema,
  run: (deps: NoticeDeps, actor: Principal, input: z.output<Schema>) => Promise<Result>,
) =>
  Object.assign(
    (deps: NoticeDeps) => async (actor: Principal, raw: z.input<Schema>) => run(deps, actor, parsed(input, raw)),
    { input },
  );
