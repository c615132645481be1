import { createRequire } from 'node:module';
import { KeystoreError } from '../errors.ts';
import {
  CKF_OS_LOCKING_OK,
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKR_USER_ALREADY_LOGGED_IN,
  CKR_PIN_EXPIRED,
  CKR_PIN_INCORRECT,
  CKR_PIN_INVALID,
  CKR_PIN_LEN_RANGE,
  CKR_PIN_LOCKED,
  CKR_USER_PIN_NOT_INITIALIZED,
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

const ABOUT_PIN: ReadonlySet<number | undefined> = new Set([
  CKR_PIN_INCORRECT,
  CKR_PIN_INVALID,
  CKR_PIN_LEN_RANGE,
  CKR_PIN_EXPIRED,
  CKR_PIN_LOCKED,
  CKR_USER_PIN_NOT_INITIALIZED,
]);

/** Calls that may be inside the token at a time; a session does one thing at a time. */
const SESSIONS = 4;
/** To begin anew takes the whole thread, and at a token that is away each call would. */
const ANEW_EVERY_MS = 1000;
/** Without this a library takes us for one thread (PKCS #11 v2.40 §5.4), but signatures are made on several. */
const LOCKING = { flags: CKF_OS_LOCKING_OK };

/**
 * A token that is logged into, and its sessions. A session in which something failed is replaced; where calls go on
 * failing the library is begun anew, so that a token that went away and came back serves again.
 */
export class Token {
  readonly #cryptoki: Cryptoki;
  readonly #where: Pick<TokenOptions, 'library' | 'token'>;
  /** Its users want text, which JavaScript cannot wipe: it stays in this process, which holds nothing but keys. */
  readonly #pin: string;
  #slot: Handle;
  readonly #idle: Handle[] = [];
  readonly #waiting: (() => void)[] = [];
  /** Calls of `use`, and those of them that have a session. */
  #users = 0;
  #inside = 0;
  /** Of all calls, and of those since the last that did not fail. */
  #failures = 0;
  #failuresInARow = 0;
  #begunAt = performance.now();
  #closing = false;

  private constructor(cryptoki: Cryptoki, { library, token, pin }: TokenOptions) {
    this.#cryptoki = cryptoki;
    this.#where = { library, token };
    this.#pin = Buffer.from(pin).toString('utf8');
    this.#slot = this.#findSlot();
    this.#idle.push(this.#openSession());
  }

  static open(options: TokenOptions): Token {
    const cryptoki = load(options);
    try {
      return new Token(cryptoki, options);
    } catch (error) {
      cryptoki.C_Finalize();
      cryptoki.close();
      throw error;
    }
  }

  /**
   * Runs `work` in a session of its own. What fails inside the token becomes a KeystoreError; what `work` itself throws
   * stays. Handles of objects are good for one `epoch`: with the last session of a login they are gone (v2.40 §5.6).
   */
  async use<T>(work: (cryptoki: Cryptoki, session: Handle, epoch: number) => T | Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await this.#inSession(async (session) => work(this.#cryptoki, session, this.#failures));
    } finally {
      this.#users -= 1;
      this.#finalizeWhenIdle();
    }
  }

  /** Ends it when the last call that is inside has come back: what happens to such a call is undefined (§5.4). */
  close(): void {
    this.#closing = true;
    this.#finalizeWhenIdle();
  }

  #finalizeWhenIdle(): void {
    if (!this.#closing || this.#users > 0) return;
    this.#finalize();
    this.#cryptoki.close();
  }

  #finalize(): void {
    try {
      this.#cryptoki.C_Finalize();
    } catch {
      // To begin anew failed the last time, so there is nothing to end.
    }
  }

  async #inSession<T>(work: (session: Handle) => Promise<T>): Promise<T> {
    while (this.#isFull()) await new Promise<void>((wake) => this.#waiting.push(wake));
    this.#inside += 1;
    let session: Handle | undefined;
    try {
      if (this.#isLost()) this.#beginAnew();
      session = this.#idle.pop() ?? this.#openSession();
      const result = await work(session);
      this.#failuresInARow = 0;
      this.#idle.push(session);
      return result;
    } catch (cause) {
      this.#failures += 1;
      this.#failuresInARow += 1;
      if (session !== undefined) this.#replace(session);
      // The token's errors have numbers; those with a word are of whoever uses it.
      if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') throw cause;
      throw unavailable(`The token did not do it: ${messageOf(cause)}`, cause);
    } finally {
      this.#inside -= 1;
      this.#waiting.shift()?.();
    }
  }

  #isFull(): boolean {
    return this.#inside === SESSIONS || (this.#isLost() && this.#inside > 0);
  }

  /** A session that was new failed, too. */
  #isLost(): boolean {
    return this.#failuresInARow > 1 && performance.now() - this.#begunAt >= ANEW_EVERY_MS;
  }

  /** While nobody is inside. */
  #beginAnew(): void {
    this.#begunAt = performance.now();
    this.#idle.length = 0;
    this.#finalize();
    this.#cryptoki.C_Initialize(LOCKING);
    this.#slot = this.#findSlot();
  }

  /** Opens before it closes: with the last session the login would end. */
  #replace(session: Handle): void {
    try {
      this.#idle.push(this.#openSession());
    } catch {
      // Whoever comes next tries again, and says why not.
    }
    try {
      this.#cryptoki.C_CloseSession(session);
    } catch {
      // The session is what failed; nothing of it is left to close.
    }
  }

  #findSlot(): Handle {
    const { library, token } = this.#where;
    const slots = this.#cryptoki.C_GetSlotList(true);
    const slot = slots.find((one) => this.#cryptoki.C_GetTokenInfo(one).label.trimEnd() === token);
    if (slot === undefined) throw unavailable(`${library} has no token "${token}".`);
    return slot;
  }

  #openSession(): Handle {
    const session = this.#cryptoki.C_OpenSession(this.#slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    try {
      this.#cryptoki.C_Login(session, CKU_USER, this.#pin);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === CKR_USER_ALREADY_LOGGED_IN) return session;
      this.#cryptoki.C_CloseSession(session);
      if (!ABOUT_PIN.has(code)) throw cause;
      throw new KeystoreError('locked', `The token does not take the PIN: ${messageOf(cause)}`, { cause });
    }
    return session;
  }
}

/** A native addon with an install script: whoever has a token installs it and says where it is. */
function load({ module, library }: TokenOptions): Cryptoki {
  const cryptoki = loadLibrary(module, library);
  try {
    cryptoki.C_Initialize(LOCKING);
    return cryptoki;
  } catch (cause) {
    cryptoki.close();
    const said = `${library} does not begin (${messageOf(cause)}): see to its own configuration, and that this user may read what that names.`;
    throw unavailable(said, cause);
  }
}

function loadLibrary(module: string, library: string): Cryptoki {
  try {
    const { PKCS11 } = createRequire(import.meta.url)(module) as CryptokiModule;
    const cryptoki = new PKCS11();
    cryptoki.load(library);
    return cryptoki;
  } catch (cause) {
    throw unavailable(
      `PKCS#11 cannot be used (${messageOf(cause)}); install pkcs11js and name its folder and the token's library.`,
      cause,
    );
  }
}

function unavailable(message: string, cause?: unknown): KeystoreError {
  return new KeystoreError('unavailable', message, { cause });
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
