import { NO_HIGH_WATER, type Verdict } from '@licet/verify';
import { type SiteOptions, verifySite } from '@licet/verify/node';

/** What the product asks about its license. Features are asked one by one, where they are used. */
export type Licensed = {
  readonly verdict: Verdict | undefined;
  /** New work may begin. */
  readonly usable: boolean;
  readonly allows: (feature: string) => boolean;
  /** One line for the people who use the product, or nothing. */
  readonly banner: string | undefined;
};

/**
 * Looks at the license again when the verdict says so, and at the latest after an hour: a renewed license is picked up
 * without a restart, and an expired one without one, too.
 */
export class LicenseWatch {
  readonly #options: Omit<SiteOptions, 'at' | 'highWater'>;
  readonly #now: () => Date;
  #verdict: Verdict | undefined;
  #lookedAt = new Date(0);
  #lookAt = new Date(0);

  constructor(options: Omit<SiteOptions, 'at' | 'highWater'>, now: () => Date) {
    this.#options = options;
    this.#now = now;
  }

  async current(): Promise<Licensed> {
    const now = this.#now();
    // Also when the clock was set back: what it was ahead by is no time to wait.
    if (now >= this.#lookAt || now < this.#lookedAt) {
      const highWater = this.#verdict?.highWater ?? NO_HIGH_WATER;
      const { verdict } = await verifySite({ ...this.#options, at: now, highWater });
      this.#verdict = verdict ?? this.#lastWhileGood(now);
      this.#lookedAt = now;
      const hour = now.getTime() + 3_600_000;
      this.#lookAt = new Date(Math.min(hour, verdict?.nextCheckAt.getTime() ?? now.getTime() + 10_000));
    }
    return read(this.#verdict);
  }

  /**
   * An agent that is being restarted, or has ended, shows no license: what was found before stands as long as that does,
   * and says when its grace has begun.
   */
  #lastWhileGood(now: Date): Verdict | undefined {
    const last = this.#verdict;
    if (last?.expiresAt === undefined || last.graceUntil === undefined || now > last.graceUntil) return undefined;
    return last.usable && now > last.expiresAt ? { ...last, state: 'in-grace' } : last;
  }
}

function read(verdict: Verdict | undefined): Licensed {
  const usable = verdict?.usable === true;
  return {
    verdict,
    usable,
    allows: (feature) => usable && verdict.effective?.features.includes(feature) === true,
    banner: bannerOf(verdict),
  };
}

function bannerOf(verdict: Verdict | undefined): string | undefined {
  if (verdict === undefined) return 'This installation has no license.';
  switch (verdict.state) {
    case 'valid':
      return verdict.watermark ? 'DEVELOPMENT: not for production' : undefined;
    case 'renew-soon':
      return 'The license should have been renewed by now; everything works.';
    case 'in-grace':
      return `The license has expired; everything works until ${verdict.graceUntil?.toISOString().slice(0, 10)}.`;
    case 'restricted':
      return 'The license has lapsed: what runs goes on, nothing new can be begun.';
    default:
      return verdict.codes[0]?.detail ?? 'The license cannot be used.';
  }
}
