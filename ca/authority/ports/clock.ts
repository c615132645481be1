/** The time of the world. Only entry points know the real one; everything else is handed this. */
export interface Clock {
  now(): Date;
}
