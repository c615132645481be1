import { AgentError } from './errors.ts';
import { checkSettings, parse, type Settings } from './settings.ts';

/** The enrolment kit: all that a site needs to get its license, in one small file or on one command line. */
export type Kit = {
  readonly settings: Settings;
  /** SHA-256 of the root certificate, lower-case hexadecimal: the one thing that has to come by a way we trust. */
  readonly rootFingerprint: string;
  readonly token: string;
  /** Of the site, where the token leaves that open. */
  readonly name?: string | undefined;
};

/** As `licet site kit` writes it. */
export function parseKit(text: string, where: string): Kit {
  const value = parse(text, where);
  if (typeof value !== 'object' || value === null) throw invalid(where, 'it is no object');
  const { rootFingerprint, token, version, ...settings } = value as Record<string, unknown>;
  if (version !== 1) throw invalid(where, `its version is ${String(version)}; this agent reads version 1`);
  return makeKit(settings, rootFingerprint, token, where);
}

export function makeKit(settings: unknown, rootFingerprint: unknown, token: unknown, where: string): Kit {
  if (typeof token !== 'string' || token === '') throw invalid(where, 'the token is missing');
  if (typeof rootFingerprint !== 'string') throw invalid(where, "the root's fingerprint is missing");
  const fingerprint = rootFingerprint.replaceAll(/[:\s]/g, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(fingerprint))
    throw invalid(where, "the root's fingerprint has to be SHA-256, 64 hexadecimal digits");
  return { settings: checkSettings(settings, where), rootFingerprint: fingerprint, token };
}

const invalid = (where: string, why: string): AgentError =>
  new AgentError('KIT_INVALID', `${where} is no enrolment kit: ${why}. Ask for a new one (licet site kit).`);
