import { readFile } from 'node:fs/promises';
import { toHex } from '@licet/format';
import { readLicense } from './chain.ts';
import { writeDurably } from './durable.ts';
import { AgentError } from './errors.ts';
import { call, trustOf } from './http.ts';
import type { Suggestion } from './renewal-time.ts';
import type { Settings } from './settings.ts';
import type { Generation, SiteFolder } from './site-folder.ts';

/** The authority's word on when to renew (RFC 9773 §4.2). Undefined when it has none, or cannot be asked. */
export async function askSuggestion(
  settings: Settings,
  current: Generation,
  root: string,
  signal?: AbortSignal,
): Promise<Suggestion | undefined> {
  const serial = serialOf(current);
  for (const server of settings.servers) {
    const url = `${server.replace(/\/+$/, '')}/api/v1/renewal-info/${serial}`;
    try {
      const { status, headers, body } = await call({
        method: 'GET',
        url,
        trust: trustOf(settings, root),
        proxy: settings.proxy,
        signal,
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

const fileOf = (folder: SiteFolder): string => folder.file('renewal.json');

const serialOf = ({ license }: Generation): string => toHex(readLicense(license).leaf.serial);

/** For `status`, and for an agent that starts while the authority is away. */
export async function keepSuggestion(folder: SiteFolder, current: Generation, suggestion: Suggestion): Promise<void> {
  const { window: suggestedWindow, explanation } = suggestion;
  const text = `${JSON.stringify({ serial: serialOf(current), suggestedWindow, explanation })}\n`;
  if (text !== (await readKept(folder))) await writeDurably(fileOf(folder), text);
}

/** What was said about this license, and not about another before it. */
export async function keptSuggestion(folder: SiteFolder, current: Generation): Promise<Suggestion | undefined> {
  const text = await readKept(folder);
  const suggestion = parseSuggestion(text);
  if (suggestion === undefined) return undefined;
  return (JSON.parse(text) as { serial?: unknown }).serial === serialOf(current) ? suggestion : undefined;
}

/** It can be had again: one that cannot be read is as good as none. */
const readKept = (folder: SiteFolder): Promise<string> => readFile(fileOf(folder), 'utf8').catch(() => '');
