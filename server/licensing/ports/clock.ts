/** The time of the world. Only `main.ts` and the command lines know the real one; everything else is handed this. */
export interface Clock {
  now(): Date;
}
