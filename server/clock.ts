import type { Clock } from './licensing/ports/clock.ts';

export const systemClock: Clock = { now: () => new Date() };
