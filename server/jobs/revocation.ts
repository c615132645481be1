import type { Job } from './job.ts';

export type RevocationJobs = {
  /** Publishes what is due; how many CRLs were refused. */
  readonly publishCrls: (signal: AbortSignal) => Promise<{ readonly refused: number }>;
  /** Certifies responders whose life is half over. */
  readonly renewResponders: () => Promise<void>;
  /** Looks from outside for what was revoked. */
  readonly proveVisible: () => Promise<{ readonly hidden: readonly string[] }>;
};

/** What keeps the status of certificates true and fresh when nobody asks for it. A failed run shows in the job metrics. */
export function revocationJobs({ publishCrls, renewResponders, proveVisible }: RevocationJobs): readonly Job[] {
  return [
    {
      name: 'publish-crls',
      // Revocations publish at once; this is for what grew old, and for what a process that died left behind.
      cron: '* * * * *',
      timeoutSeconds: 300,
      catchUp: true,
      async run({ signal }) {
        const { refused } = await publishCrls(signal);
        if (refused > 0) throw new Error(`${refused} CRLs were not published; the log says which and why.`);
      },
    },
    {
      name: 'renew-ocsp-responders',
      cron: '*/10 * * * *',
      timeoutSeconds: 120,
      catchUp: true,
      run: () => renewResponders(),
    },
    {
      name: 'prove-revocations-visible',
      cron: '*/5 * * * *',
      timeoutSeconds: 120,
      async run() {
        const { hidden } = await proveVisible();
        if (hidden.length > 0) throw new Error(`Revoked and not seen to be: ${hidden.slice(0, 10).join(', ')}.`);
      },
    },
  ];
}
