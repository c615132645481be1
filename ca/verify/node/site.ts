import { verifyLicense } from '../license.ts';
import type { LicenseOptions } from '../license-options.ts';
import type { Verdict } from '../verdict.ts';
import { type MarkState, readHighWater, saveHighWater } from './high-water-file.ts';
import { machineFingerprints } from './machine.ts';
import { type Attempt, findLicense, type SearchOptions } from './sources.ts';

export type SiteOptions = SearchOptions &
  LicenseOptions & {
    /** Where the high-water mark is kept between checks, instead of by the caller (`highWater`). */
    readonly highWaterFile?: string;
  };

export type SiteVerdict = {
  /** Undefined when no license was found; `attempts` then says where was looked, and why not. */
  readonly verdict: Verdict | undefined;
  readonly attempts: readonly Attempt[];
  /** What was found of the high-water mark, where one is kept. */
  readonly mark?: MarkState;
  /** Why the high-water mark could not be kept (a full or read-only disk); the verdict stands all the same. */
  readonly notRemembered?: string;
};

/**
 * Finds the license of this site and what tells about its revocation, looks at the machine it may be bound to, verifies
 * it, and remembers what was seen.
 */
export async function verifySite(options: SiteOptions): Promise<SiteVerdict> {
  const { license, attempts } = await findLicense(options);
  if (license === undefined) return { verdict: undefined, attempts };
  const { highWaterFile, evidence } = options;
  const here: LicenseOptions = {
    ...withoutSearch(options),
    evidence: {
      crls: [...(evidence?.crls ?? []), ...license.evidence.crls],
      ocsp: [...(evidence?.ocsp ?? []), ...license.evidence.ocsp],
    },
    fingerprints: [...(options.fingerprints ?? []), ...(await machineFingerprints())],
  };
  if (highWaterFile === undefined) return { verdict: await verifyLicense(license.bundle, here), attempts };
  const { mark: highWater, state: mark } = await readHighWater(highWaterFile);
  const verdict = await verifyLicense(license.bundle, { ...here, highWater });
  try {
    await saveHighWater(highWaterFile, verdict.highWater);
    return { verdict, attempts, mark };
  } catch (error) {
    return { verdict, attempts, mark, notRemembered: `${highWaterFile}: ${(error as Error).message}` };
  }
}

const SEARCH: Readonly<Record<Exclude<keyof SiteOptions, keyof LicenseOptions>, true>> = {
  license: true,
  organization: true,
  agentSocket: true,
  agentTimeoutMs: true,
  surroundings: true,
  highWaterFile: true,
};

/** What is asked of the license. A name that is neither here nor there is misspelt, and is refused there. */
const withoutSearch = (options: SiteOptions): LicenseOptions =>
  Object.fromEntries(
    Object.entries(options).filter(([name]) => !Object.hasOwn(SEARCH, name)),
  ) as unknown as LicenseOptions;
