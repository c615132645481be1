import { createRequire } from 'node:module';
import { KeystoreError } from '../errors.ts';
import {
  CKF_OS_LOCKING_OK,
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKR_USER_ALREADY_LOGGED_IN,
  CKU_USER,
  type Cryptoki,
  type CryptokiModule,
  type Handle,
} from './cryptoki.ts';

export type TokenOptions = {
  /** Where the package `pkcs11js` is installed. */
  readonly module: string;
  readonly library: string;
  /** The label of the token. */
  readonly token: string;
  readonly pin: Uint8Array;
};

/** Calls that may be inside the token at a time; a session does one thing at a time. */
const SESSIONS = 4;

/**
 * A token that is logged into, and its sessions. A session in which something failed is closed and replaced, so that a
 * token that went away and came back serves again.
 */
export class Token {
  readonly #cryptoki: Cryptoki;
  readonly #slot: Handle;
  /** Its users want text, which JavaScript cannot wipe: it stays in this process, which holds nothing but keys. */
  readonly #pin: string;
  readonly #idle: Handle[] = [];
  readonly #waiting: ((session: Handle) => void)[] = [];
  #open = 0;
  #closing = false;

  private constructor(cryptoki: Cryptoki, slot: Handle, pin: string) {
    this.#cryptoki = cryptoki;
    this.#slot = slot;
    this.#pin = pin;
  }

  static open(options: TokenOptions): Token {
    const cryptoki = load(options);
    try {
      const slot = cryptoki
        .C_GetSlotList(true)
        .find((candidate) => cryptoki.C_GetTokenInfo(candidate).label.trimEnd() === options.token);
      if (slot === undefined) {
        throw new KeystoreError('unavailable', `${options.library} has no token "${options.token}".`);
      }
      const token = new Token(cryptoki, slot, Buffer.from(options.pin).toString('utf8'));
      token.#idle.push(token.#openSession());
      return token;
    } catch (error) {
      cryptoki.C_Finalize();
      cryptoki.close();
      throw error;
    }
  }

  /** Runs `work` in a session of its own. What fails inside the token becomes a KeystoreError; what `work` itself throws stays. */
  async use<T>(work: (cryptoki: Cryptoki, session: Handle) => T | Promise<T>): Promise<T> {
    const session = await this.#take();
    try {
      const result = await work(this.#cryptoki, session);
      this.#give(session);
      return result;
    } catch (cause) {
      this.#drop(session);
      // The token's errors have numbers; those with a word are of whoever uses it.
      if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') throw cause;
      throw new KeystoreError('unavailable', `The token did not do it: ${messageOf(cause)}`, { cause });
    }
  }

  /** Ends it when the last call that is inside has come back: what happens to such a call is undefined (§5.4). */
  close(): void {
    this.#closing = true;
    this.#finalizeWhenIdle();
  }

  #finalizeWhenIdle(): void {
    if (!this.#closing || this.#idle.length < this.#open) return;
    this.#cryptoki.C_Finalize();
    this.#cryptoki.close();
  }

  async #take(): Promise<Handle> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#open < SESSIONS) return this.#openSession();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(session: Handle): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next(session);
    this.#idle.push(session);
    this.#finalizeWhenIdle();
  }

  #drop(session: Handle): void {
    this.#open -= 1;
    try {
      this.#cryptoki.C_CloseSession(session);
    } catch {
      // The session is what failed; nothing of it is left to close.
    }
    const next = this.#waiting.shift();
    if (next === undefined) return this.#finalizeWhenIdle();
    try {
      next(this.#openSession());
    } catch {
      // Still gone: the one who waits finds out by itself, and drops this session too.
      this.#open += 1;
      next(session);
    }
  }

  #openSession(): Handle {
    const session = this.#cryptoki.C_OpenSession(this.#slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    try {
      this.#cryptoki.C_Login(session, CKU_USER, this.#pin);
    } catch (cause) {
      if (codeOf(cause) !== CKR_USER_ALREADY_LOGGED_IN) {
        this.#cryptoki.C_CloseSession(session);
        throw new KeystoreError('locked', `The token does not take the PIN: ${messageOf(cause)}`, { cause });
      }
    }
    this.#open += 1;
    return session;
  }
}

/** A native addon with an install script: whoever has a token installs it and says where it is. */
function load({ module, library }: TokenOptions): Cryptoki {
  try {
    const { PKCS11 } = createRequire(import.meta.url)(module) as CryptokiModule;
    const cryptoki = new PKCS11();
    cryptoki.load(library);
    // Without this a library takes us for one thread (PKCS #11 v2.40 §5.4), but signatures are made on several.
    cryptoki.C_Initialize({ flags: CKF_OS_LOCKING_OK });
    return cryptoki;
  } catch (cause) {
    throw new KeystoreError(
      'unavailable',
      `PKCS#11 cannot be used (${messageOf(cause)}); install pkcs11js and name its folder and the token's library.`,
      { cause },
    );
  }
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
