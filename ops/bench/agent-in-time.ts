import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePem } from '@licet/format';
import { AgentProcess } from '@licet/server/test-agent';
import { type EstServer, estServer } from '@licet/server/test-est';

/** It is the dates of the license that are on trial. */
const CONTACT_SECONDS = 60 * 86_400;

export type Said = { readonly state: string; readonly codes: readonly string[] };

/** The agent as a process, before an authority of its own; its clock can be another than that of the authority. */
export class AgentInTime {
  readonly #authority: EstServer;
  readonly #folder: string;
  #site = 0;

  private constructor(authority: EstServer, folder: string) {
    this.#authority = authority;
    this.#folder = folder;
  }

  static async open(): Promise<AgentInTime> {
    return new AgentInTime(
      await estServer({}, { contact: CONTACT_SECONDS }),
      mkdtempSync(join(tmpdir(), 'licet-in-time-')),
    );
  }

  /** A new site. */
  async enrol(): Promise<void> {
    this.#site += 1;
    const { base, office } = this.#authority;
    const [root] = decodePem(readFileSync(this.#authority.at('root.pem'), 'utf8'), 'CERTIFICATE');
    const words = ['--server', base, '--fingerprint', hash('sha256', root!.bytes, 'hex'), '--token', office.token()];
    const { code, err } = await this.#agent().run('enrol', ...words);
    if (code !== 0) throw new Error(err);
  }

  /** `moved`: the clock of the agent, as faketime takes it. */
  async status(moved?: string): Promise<Said> {
    const { out, err } = await this.#agent(moved).run('status', '--json');
    if (err !== '') throw new Error(err);
    const { state, codes } = JSON.parse(out) as { state: string; codes: { code: string }[] };
    return { state, codes: codes.map((one) => one.code) };
  }

  /** The code of the refusal, or `renewed`. */
  async renew(moved?: string): Promise<string> {
    const { out, err } = await this.#agent(moved).run('renew');
    return /\[(\w+)\]\n$/.exec(err)?.[1] ?? out.trim();
  }

  async close(): Promise<void> {
    await this.#authority.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #agent(moved?: string): AgentProcess {
    return new AgentProcess(
      join(this.#folder, String(this.#site)),
      moved === undefined ? [] : ['faketime', '-f', moved],
    );
  }
}
