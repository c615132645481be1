import { LicetError } from '../errors.ts';

/** The queue of a batcher is full: a sentence of the authority's, made one of ours. */
export async function orBusy<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const isBusy = error instanceof Error && 'code' in error && error.code === 'BUSY';
    if (!isBusy || error instanceof LicetError) throw error;
    throw new LicetError('unavailable', 'BUSY', error.message, { retryAfterSeconds: 2, cause: error });
  }
}
