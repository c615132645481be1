import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeCertificate, decodePem, FormatError } from '@licet/format';
import { linkDurably, removeDurably, writeBeside, writeDurably, writeFolderDurably } from './durable.ts';
import { AgentError, diskError } from './errors.ts';

/** A license with its key, as they lie beside each other. */
export type Generation = { readonly key: string; readonly license: string };

/** What was sent and not yet answered. Kept, so that after a crash the same request is made again and not another. */
export type PendingRequest = { readonly key: string; readonly request: Uint8Array };

export type EvidenceKind = 'crl' | 'ocsp';

/** As DER. */
export type Evidence = { readonly crls: readonly Uint8Array[]; readonly ocsp: readonly Uint8Array[] };

/** Generations that are kept beside the current one, for a look back. */
const OLD_GENERATIONS = 2;

/**
 *   root.pem                     whom we trust
 *   agent.json                   settings
 *   site.lic, site.key           links into current/: what products and servers are configured with
 *   current -> generations/ID/   key and license change together, in one rename of this link
 *   installed                    where that link leads: a file, because who waits for a change cannot watch a link
 *   pending/                     key and request of a renewal under way
 *   evidence/                    CRLs and OCSP responses
 */
export class SiteFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** For who has the lock and is about to change something: what a crash left half written is gone, or made whole. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      for (const name of ['generations', 'evidence']) await mkdir(this.file(name), { recursive: true });
    } catch (error) {
      throw diskError(this.path, error);
    }
    // Nothing can be written at the moment: no reason not to say what there is.
    await this.#openToReaders().catch(unlessOfTheDisk);
    await this.#sweep().catch(unlessOfTheDisk);
    await this.#tell().catch(unlessOfTheDisk);
  }

  /** Both from one generation, also for who looks while the next one is put in place. */
  async current(): Promise<Generation | undefined> {
    const target = await this.#target();
    if (target === undefined) return undefined;
    const folder = this.file(target);
    const [key, license] = await Promise.all([read(join(folder, 'site.key')), read(join(folder, 'site.lic'))]);
    if (key !== undefined && license !== undefined) return { key, license };
    const message = `${folder} lacks its key or its license: put back what was there, or enrol anew in another folder.`;
    throw new AgentError('STATE_DAMAGED', message);
  }

  async root(): Promise<string> {
    const root = await read(this.file('root.pem'));
    const path = this.file('root.pem');
    if (root === undefined) {
      throw new AgentError('NOT_ENROLLED', `${path} is missing: enrol first (licet-agent enrol).`);
    }
    try {
      decodeCertificate(decodePem(root, 'CERTIFICATE')[0]!.bytes);
      return root;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const message = `${path} is damaged (${error.message}): put the root certificate of the vendor there again.`;
      throw new AgentError('STATE_DAMAGED', message, { cause: error });
    }
  }

  async pending(): Promise<PendingRequest | undefined> {
    const [key, request] = await Promise.all([
      read(this.file('pending/site.key')),
      readBytes(this.file('pending/request.der')),
    ]);
    if (key !== undefined && request !== undefined) return { key, request };
    if (key === undefined && request === undefined) return undefined;
    // Another request in the place of this one would look like a clone's.
    const message = `${this.file('pending')} lacks its key or its request: put back what was there. Where that is lost, ask the vendor before you remove it.`;
    throw new AgentError('STATE_DAMAGED', message);
  }

  /** Before it is sent: a request that is not remembered may have an answer that nobody can use. */
  async keepPending({ key, request }: PendingRequest): Promise<void> {
    await removeDurably(this.file('pending'));
    await writeFolderDurably(this.file('pending'), {
      'site.key': { content: key, mode: 0o600 },
      'request.der': { content: request, mode: 0o600 },
    });
  }

  async dropPending(): Promise<void> {
    await removeDurably(this.file('pending'));
  }

  /** There is nothing behind it that it could be a copy of. */
  async refresh(): Promise<void> {}

  /**
   * Makes key and license the current ones, in the one step that moves `current`. Returns the keys that nothing is left
   * of here.
   */
  async install({ key, license }: Generation): Promise<readonly string[]> {
    const name = join('generations', randomUUID());
    await writeFolderDurably(this.file(name), {
      'site.key': { content: key, mode: 0o600 },
      'site.lic': { content: license, mode: 0o644 },
    });
    await linkDurably(this.file('site.lic'), 'current/site.lic');
    await linkDurably(this.file('site.key'), 'current/site.key');
    // All that takes room comes before that step: what fails then has changed nothing.
    const told = await writeBeside(this.file('installed'), name);
    try {
      await linkDurably(this.file('current'), name);
    } catch (error) {
      await told.drop();
      throw error;
    }
    await told.take();
    return this.#retire(basename(name));
  }

  async evidence(): Promise<Evidence> {
    return { crls: await this.#evidenceOf('crl'), ocsp: await this.#evidenceOf('ocsp') };
  }

  async #evidenceOf(kind: EvidenceKind): Promise<Uint8Array[]> {
    const names = (await readdir(this.file('evidence')).catch(() => [])).filter((name) => name.endsWith(`.${kind}`));
    const found = await Promise.all(names.map((name) => readBytes(this.file(join('evidence', name)))));
    return found.filter((bytes) => bytes !== undefined);
  }

  evidenceNamed(name: string, kind: EvidenceKind): Promise<Uint8Array | undefined> {
    return readBytes(this.file(join('evidence', `${name}.${kind}`)));
  }

  async keepEvidence(name: string, kind: EvidenceKind, evidence: Uint8Array): Promise<void> {
    await writeDurably(this.file(join('evidence', `${name}.${kind}`)), evidence);
  }

  /**
   * All but these, by the names of their files: what was about licenses and CAs that are not in use any more. What a
   * person has put there, under another name, stays.
   */
  async dropEvidence(except: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.file('evidence'))) {
      if (/^[0-9a-f]+\.(crl|ocsp)$/.test(name) && !except.has(name)) await remove(this.file(join('evidence', name)));
    }
  }

  /** Where `current` leads. What cannot be read now is not taken for a site that has no license yet. */
  async #target(): Promise<string | undefined> {
    const path = this.file('current');
    try {
      return await readlink(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (code !== 'EINVAL') throw error;
      const message = `${path} is no link to one of generations/: restore the folder with a copy that keeps links (cp -a), or enrol anew in another one.`;
      throw new AgentError('STATE_DAMAGED', message, { cause: error });
    }
  }

  /** Also after a crash between the link and this. */
  async #tell(): Promise<void> {
    const target = await this.#target();
    if (target === undefined || target === (await read(this.file('installed')))) return;
    await writeDurably(this.file('installed'), target);
  }

  async #retire(current: string): Promise<string[]> {
    const folder = this.file('generations');
    const ages = new Map<string, number>();
    for (const name of await readdir(folder)) ages.set(name, (await stat(join(folder, name))).mtimeMs);
    const old = [...ages.keys()]
      .filter((name) => name !== current)
      .sort((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0));
    const keys: string[] = [];
    for (const name of old.slice(OLD_GENERATIONS)) {
      const key = await read(join(folder, name, 'site.key'));
      if (key !== undefined) keys.push(key);
      await rm(join(folder, name), { recursive: true, force: true });
    }
    // A license whose chain was renewed has the key of its predecessor.
    const kept = [current, ...old.slice(0, OLD_GENERATIONS)].map((name) => read(join(folder, name, 'site.key')));
    const inUse = await Promise.all(kept);
    return keys.filter((key) => !inUse.includes(key));
  }

  /**
   * Whoever is let into the folder may read licenses and evidence; the keys are closed one by one. An umask, and agents
   * from before products could do that, left these folders closed.
   */
  async #openToReaders(): Promise<void> {
    for (const name of ['generations', 'evidence', 'current']) {
      const { mode } = (await stat(this.file(name)).catch(() => undefined)) ?? {};
      if (mode !== undefined && (mode & 0o777) !== 0o755) await chmodOf(this.file(name));
    }
  }

  /** What a crash left half written. */
  async #sweep(): Promise<void> {
    for (const folder of [this.path, this.file('generations'), this.file('evidence')]) {
      for (const name of await readdir(folder)) if (name.endsWith('.tmp')) await remove(join(folder, name));
    }
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw diskError(path, error);
  }
}

async function chmodOf(path: string): Promise<void> {
  try {
    await chmod(path, 0o755);
  } catch (error) {
    throw diskError(path, error);
  }
}

function unlessOfTheDisk(error: unknown): void {
  if (!(error instanceof AgentError)) throw error;
}

async function read(path: string): Promise<string | undefined> {
  const bytes = await readBytes(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

async function readBytes(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The part of it that another place can take over. Each change is durable when it resolves. */
export type SiteStore = Pick<SiteFolder, 'current' | 'pending' | 'keepPending' | 'dropPending' | 'install' | 'refresh'>;
