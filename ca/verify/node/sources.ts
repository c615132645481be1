import { evidenceBeside, type FoundEvidence, NO_EVIDENCE } from './evidence.ts';
import { isBundleText, readAgent, readLicenseFile, type SourceText } from './read.ts';
import { agentSocket, licenseFiles, type Surroundings, surroundings } from './places.ts';

/** Where licenses come from, in the order in which they are asked. */
export const SOURCES = ['option', 'environment', 'agent', 'file'] as const;
export type Source = (typeof SOURCES)[number];

/** One place that was looked at. */
export type Attempt = {
  readonly source: Source;
  readonly where: string;
  /**
   * `absent`: there is nothing. `failed`: there is something, or could be, and it could not be read: the answer "no
   * license" would then be a guess.
   */
  readonly outcome: 'used' | 'absent' | 'failed';
  readonly detail: string;
};

export type FoundLicense = {
  readonly bundle: string | Uint8Array;
  readonly source: Source;
  readonly where: string;
  /** What lies in `evidence/` beside the file of the license. The agent's answer brings its own in the bundle. */
  readonly evidence: FoundEvidence;
};

/** It answers within milliseconds. */
export const AGENT_TIMEOUT_MS = 2_000;

export type LicenseSearch = { readonly license: FoundLicense | undefined; readonly attempts: readonly Attempt[] };

export type SearchOptions = {
  /** The text of a license, or the path of a file. */
  readonly license?: string;
  /** Whose license: names the file below `.github/licenses`. */
  readonly organization?: string;
  /** Where the agent listens; by default LICET_AGENT_SOCKET, or the place where the agent is installed. */
  readonly agentSocket?: string;
  /** How long the agent may take. 2,000 by default. */
  readonly agentTimeoutMs?: number;
  /** For tests and unusual hosts: what surrounds the process. */
  readonly surroundings?: Surroundings;
};

/**
 * Looks for a license: the option, `LICET_LICENSE` (text or path), the agent's socket, then the files `./site.lic`, the
 * configuration folders of the platform, and `.github/licenses/<organization>.lic`.
 *
 * What somebody set by hand (option, environment) is final: if it cannot be read, nothing else is tried, because a
 * license taken from elsewhere would hide the mistake. The first license of the other places is taken.
 */
export async function findLicense(options: SearchOptions = {}): Promise<LicenseSearch> {
  const around = options.surroundings ?? surroundings();
  const attempts: Attempt[] = [];
  for (const place of placesToAsk(options, around)) {
    const answer = await place.read();
    const { source, where } = place;
    if (answer.kind === 'text') {
      attempts.push({ source, where, outcome: 'used', detail: 'holds a license' });
      const { file } = place;
      const evidence = file === undefined ? NO_EVIDENCE : await evidenceBeside(file);
      return { license: { bundle: answer.text, source, where, evidence }, attempts };
    }
    attempts.push({ source, where, outcome: answer.kind, detail: answer.why });
    if (place.final) break;
  }
  return { license: undefined, attempts };
}

type Place = {
  readonly source: Source;
  readonly where: string;
  /** Set by hand: nothing after it counts. */
  readonly final: boolean;
  /** Absent for what is no file. */
  readonly file?: string;
  read(): Promise<SourceText>;
};

function placesToAsk(options: SearchOptions, around: Surroundings): Place[] {
  const socket = options.agentSocket ?? agentSocket(around);
  return [
    given('option', 'the option "license"', options.license, around),
    given('environment', 'LICET_LICENSE', around.env['LICET_LICENSE'], around),
    {
      source: 'agent',
      where: socket,
      final: false,
      read: () => readAgent(socket, options.agentTimeoutMs ?? AGENT_TIMEOUT_MS),
    },
    ...licenseFiles(around, options.organization).map((path): Place => ({
      source: 'file',
      where: path,
      final: false,
      file: path,
      read: () => readLicenseFile(path),
    })),
  ];
}

function given(source: Source, name: string, value: string | undefined, around: Surroundings): Place {
  if (value === undefined || value.trim() === '') {
    return { source, where: name, final: false, read: async () => ({ kind: 'absent', why: 'not set' }) };
  }
  if (isBundleText(value)) {
    return { source, where: `${name} (text)`, final: true, read: async () => ({ kind: 'text', text: value }) };
  }
  const path = around.resolve(value.trim());
  const read = () => failIfAbsent(readLicenseFile(path));
  return { source, where: `${name} (${path})`, final: true, file: path, read };
}

/** A file that somebody named by hand has to be there. */
async function failIfAbsent(reading: Promise<SourceText>): Promise<SourceText> {
  const answer = await reading;
  return answer.kind === 'absent' ? { kind: 'failed', why: answer.why } : answer;
}
