/** Why the database cannot be used at all. Codes are stable; each has a test that provokes it. */
export type StartupCode =
  | 'DATABASE_UNREACHABLE'
  | 'DATABASE_REFUSED' // it answers, and does not let us in
  | 'DATABASE_READ_ONLY'
  | 'DATABASE_TOO_NEW' // migrated by a newer Licet
  | 'DATABASE_TOO_OLD' // a PostgreSQL before 15
  | 'DATABASE_CHANGED' // its history of migrations is not ours
  | 'DATABASE_PRIVILEGES' // the roles cannot be made
  | 'FOLDER_IN_USE'
  | 'FOLDER_CORRUPT'
  | 'FOLDER_FOREIGN' // files of somebody else are in it
  | 'FOLDER_TOO_NEW'
  | 'FOLDER_TOO_OLD'
  | 'FOLDER_NOT_WRITABLE'
  | 'DISK_FULL';

// sysexits.h: what service managers and scripts already know.
const EX_UNAVAILABLE = 69;
const EX_CONFIG = 78;
const CONFIGURATION: readonly StartupCode[] = [
  'DATABASE_TOO_NEW',
  'DATABASE_TOO_OLD',
  'DATABASE_CHANGED',
  'DATABASE_PRIVILEGES',
  'FOLDER_FOREIGN',
  'FOLDER_TOO_NEW',
  'FOLDER_TOO_OLD',
];

/** The start ends here. The message is one sentence that says what is wrong and what to do; nothing was harmed. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly code: StartupCode;
  readonly exitCode: number;

  constructor(code: StartupCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitCode = CONFIGURATION.includes(code) ? EX_CONFIG : EX_UNAVAILABLE;
  }
}
