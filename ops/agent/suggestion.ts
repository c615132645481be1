import { toHex } from '@licet/format';
import { readLicense } from './chain.ts';
import { AgentError } from './errors.ts';
import { call, trustOf } from './http.ts';
import type { Suggestion } from './renewal-time.ts';
import type { Settings } from './settings.ts';
import type { Generation } from './site-folder.ts';

/** The authority's word on when to renew (RFC 9773 §4.2). Undefined when it has none, or cannot be asked. */
export async function askSuggestion(
  settings: Settings,
  current: Generation,
  root: string,
): Promise<Suggestion | undefined> {
  const serial = toHex(readLicense(current.license).leaf.serial);
  for (const server of settings.servers) {
    const url = `${server.replace(/\/+$/, '')}/api/v1/renewal-info/${serial}`;
    try {
      const { status, headers, body } = await call({
        method: 'GET',
        url,
        trust: trustOf(settings, root),
        proxy: settings.proxy,
      });
      if (status === 200) return parseSuggestion(body.toString('utf8'), Number(headers['retry-after']));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
    }
  }
  return undefined;
}

/** Advice, not a command: what cannot be understood is as good as none. */
export function parseSuggestion(text: string, retryAfter = NaN): Suggestion | undefined {
  try {
    const { suggestedWindow, explanation } = JSON.parse(text) as {
      suggestedWindow?: { start?: string; end?: string };
      explanation?: string;
    };
    const window = { start: new Date(suggestedWindow?.start ?? ''), end: new Date(suggestedWindow?.end ?? '') };
    if (Number.isNaN(window.start.getTime()) || !(window.start <= window.end)) return undefined;
    return {
      window,
      ...(typeof explanation === 'string' && { explanation }),
      ...(retryAfter > 0 && { retryAfterSeconds: retryAfter }),
    };
  } catch {
    return undefined;
  }
}
