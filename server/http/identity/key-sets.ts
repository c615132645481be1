import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { LicetError } from '../../licensing/errors.ts';
import type { Clock } from '../../licensing/ports/clock.ts';
import type { Log } from '../../log/log.ts';
import { FetchRefused } from './guarded-fetch.ts';

export type KeySetDeps = {
  readonly fetchJson: (address: string) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
};

/** Where the keys of an issuer are: what it says of itself, unless the rule knows better. */
export type KeySource = { readonly issuer: string; readonly keys: string | undefined };

type Cached = { readonly find: JWTVerifyGetKey; readonly fetchedAt: number };
type Entry = { cached?: Cached | undefined; triedAt: number; running?: Promise<Cached | undefined> };

/** After that they are read again, so that a key that was withdrawn is not believed for long. */
const FRESH_MS = 10 * 60_000;
/** So long they are believed when the issuer cannot be reached. */
const STALE_MS = 60 * 60_000;
/** Between two tries, whatever strangers send: an unknown `kid` costs them nothing. */
const COOLDOWN_MS = 30_000;
const MOST_KEYS = 100;
/** RFC 7518 §3.3 */
const LEAST_RSA_BITS = 2048;
const MOST_ISSUERS = 1000;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https$/ }) });
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MOST_KEYS) });

/** The public keys of issuers, cached, with room for their rotation. */
export class KeySets {
  readonly #deps: KeySetDeps;
  readonly #entries = new Map<string, Entry>();

  constructor(deps: KeySetDeps) {
    this.#deps = deps;
  }

  /** What `jwtVerify` of jose asks for a key; an unknown one is looked for once more at the issuer. */
  finder(source: KeySource): JWTVerifyGetKey {
    return async (header, token) => {
      const cached = await this.#get(source, FRESH_MS);
      try {
        return await cached.find(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        const again = await this.#get(source, 0);
        if (again === cached) throw error;
        return again.find(header, token);
      }
    };
  }

  async #get(source: KeySource, maxAge: number): Promise<Cached> {
    const entry = this.#entry(`${source.issuer} ${source.keys ?? ''}`);
    const now = this.#deps.clock.now().getTime();
    // Either way: what is from a time to come is from a clock that was ahead.
    const since = (time: number): number => Math.abs(now - time);
    const { cached } = entry;
    const isFresh = cached !== undefined && since(cached.fetchedAt) < maxAge;
    if (isFresh) return cached;
    if (entry.running === undefined && since(entry.triedAt) >= COOLDOWN_MS) {
      entry.triedAt = now;
      entry.running = this.#fetch(source).finally(() => delete entry.running);
    }
    entry.cached = (await entry.running) ?? entry.cached;
    if (entry.cached !== undefined && since(entry.cached.fetchedAt) < STALE_MS) return entry.cached;
    throw new LicetError(
      'unavailable',
      'IDENTITY_KEYS_UNAVAILABLE',
      'The keys of the issuer cannot be had at the moment; try again later.',
      { retryAfterSeconds: COOLDOWN_MS / 1000 },
    );
  }

  #entry(name: string): Entry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      if (this.#entries.size >= MOST_ISSUERS) this.#entries.delete(this.#entries.keys().next().value!);
      this.#entries.set(name, (entry = { triedAt: -Infinity }));
    }
    return entry;
  }

  async #fetch(source: KeySource): Promise<Cached | undefined> {
    const { fetchJson, clock, log } = this.#deps;
    try {
      const { keys } = keySet.parse(await fetchJson(source.keys ?? (await this.#discover(source.issuer))));
      const usable = keys.filter(isUsable);
      return { find: createLocalJWKSet({ keys: usable }), fetchedAt: clock.now().getTime() };
    } catch (error) {
      if (!(error instanceof FetchRefused || error instanceof z.ZodError || error instanceof errors.JOSEError))
        throw error;
      log.warn({ err: error }, 'the keys of an issuer could not be read');
      return undefined;
    }
  }

  /** OpenID Connect Discovery §4; §4.3: the document must name the issuer itself. */
  async #discover(issuer: string): Promise<string> {
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = discovery.parse(await this.#deps.fetchJson(address));
    if (document.issuer !== issuer) throw new FetchRefused(`${address} speaks for another issuer.`);
    return document.jwks_uri;
  }
}

/**
 * A public key of signatures. One that everybody can read and sign with, shared or private, is nobody's; one that cannot
 * be read does not take the others of its issuer along.
 */
function isUsable(key: JsonWebKey & { readonly use?: unknown }): boolean {
  if (key.kty === 'oct' || key.d !== undefined || (key.use !== undefined && key.use !== 'sig')) return false;
  try {
    const { modulusLength } = createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails ?? {};
    return modulusLength === undefined || modulusLength >= LEAST_RSA_BITS;
  } catch {
    return false;
  }
}
