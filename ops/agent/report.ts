import { createHash } from 'node:crypto';
import { AgentError } from './errors.ts';
import { call, type HttpAnswer, isAway, trustOf } from './http.ts';
import type { Settings } from './settings.ts';
import { signedHeaders } from './signed-request.ts';
import type { Site } from './site.ts';

/**
 * Hands a usage report in, as this site. A report without an id gets one that follows from what it says: handed in again,
 * also after a lost answer, it is the same report.
 */
export async function report(site: Site, settings: Settings, text: string, now: () => Date): Promise<void> {
  const { folder, store } = site;
  const current = await store.current();
  if (current === undefined) throw new AgentError('NOT_ENROLLED', `There is no license in ${folder.path}.`);
  const body = withId(text);
  const trust = trustOf(settings, await folder.root());
  let last: unknown = new AgentError('NO_SERVER', 'This site has no server: name one in agent.json.');
  for (const server of settings.servers) {
    const asked = { method: 'POST', url: `${server.replace(/\/+$/, '')}/api/v1/stats/aggregate`, body } as const;
    const signed = await signedHeaders(site, current, asked, now());
    const headers = { 'Content-Type': 'application/json', ...signed };
    try {
      return refuseOthers(await call({ ...asked, headers, trust, proxy: settings.proxy }));
    } catch (error) {
      if (!isAway(error)) throw error;
      last = error;
    }
  }
  throw last;
}

function withId(text: string): string {
  const said = parse(text);
  if ('id' in said) return JSON.stringify(said);
  const digest = createHash('sha256').update(JSON.stringify(said)).digest();
  // RFC 9562 §5.8: a UUID whose bits are our own business.
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const id = digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return JSON.stringify({ ...said, id });
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new AgentError('USAGE', 'A report is one JSON object: { "from", "to", "users", "usage" }.');
}

function refuseOthers({ status, body }: HttpAnswer): void {
  if (status < 300) return;
  const { code, detail } = problemIn(body.toString('utf8'));
  const more = { serverCode: code };
  if (status === 429 || status >= 500)
    throw new AgentError('UNAVAILABLE', `The server cannot do it now: ${detail}`, more);
  throw new AgentError('REFUSED', `The server refused the report: ${detail}`, more);
}

/** RFC 9457, with the rules that the report breaks, each by the place that it is about (RFC 6901). */
type Problem = {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly detail?: string }[];
};

function problemIn(text: string): { code: string | undefined; detail: string } {
  try {
    const { code, detail = text.slice(0, 500), errors = [] } = JSON.parse(text) as Problem;
    const broken = errors.map((one) => `${one.pointer ?? ''}: ${one.detail ?? ''}`);
    return { code, detail: [detail, ...broken].join(' ') };
  } catch {
    return { code: undefined, detail: text.slice(0, 500) };
  }
}
