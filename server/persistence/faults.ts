import { LicetError } from '../licensing/errors.ts';

/** What a failed statement means for the transaction around it. */
export type Fault =
  | 'serialization' // repeat it
  | 'deadlock' // repeat it
  | 'link' // the connection is gone; nothing was committed unless COMMIT was on its way
  | 'timeout' // the database did not answer in time; the connection cannot be trusted any more
  | 'busy' // a lock or a connection was not to be had in time
  | 'read-only'
  | 'full'
  | 'other';

const BY_STATE: ReadonlyMap<string, Fault> = new Map([
  ['40001', 'serialization'],
  ['40P01', 'deadlock'],
  ['55P03', 'busy'], // lock_not_available: lock_timeout
  ['57014', 'timeout'], // query_canceled: statement_timeout
  ['25P03', 'link'], // idle_in_transaction_session_timeout ended the session
  ['25006', 'read-only'],
  ['53100', 'full'],
  ['53200', 'busy'], // out_of_memory
  ['53300', 'busy'], // too_many_connections
  ['57P01', 'link'], // admin_shutdown
  ['57P02', 'link'], // crash_shutdown
  ['57P03', 'link'], // cannot_connect_now: starting up
  ['57P05', 'link'], // idle_session_timeout
  ['58030', 'full'], // io_error
]);

/** What `pg` says in prose only; 8.23.1 gives these errors no code. */
const BY_MESSAGE: readonly (readonly [RegExp, Fault])[] = [
  [/^timeout exceeded when trying to connect/, 'busy'],
  [/^Query read timeout/, 'timeout'],
  [/Connection terminated|connection error and is not queryable|Connection ended|Client was closed/i, 'link'],
];

const NETWORK =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT|EACCES|ERR_SOCKET|ERR_STREAM)/;

/** The SQLSTATE or system code of an error of `pg`, also when TypeORM has wrapped it. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const inner = 'driverError' in error ? error.driverError : error;
  return typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : '';
}

export function faultOf(error: unknown): Fault {
  if (error instanceof LicetError) return 'other';
  const code = codeOf(error);
  const known = BY_STATE.get(code);
  if (known !== undefined) return known;
  if (code.startsWith('08') || NETWORK.test(code)) return 'link';
  if (code !== '' || !(error instanceof Error)) return 'other';
  return BY_MESSAGE.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'other';
}

const UNAVAILABLE: Partial<Record<Fault, readonly [code: string, message: string, retryAfterSeconds: number]>> = {
  serialization: ['DATABASE_CONTENDED', 'Others kept changing the same rows; repeat the request.', 1],
  deadlock: ['DATABASE_CONTENDED', 'Others kept changing the same rows; repeat the request.', 1],
  link: ['DATABASE_UNREACHABLE', 'The database cannot be reached; nothing was done, repeat the request later.', 5],
  timeout: ['DATABASE_TIMEOUT', 'The database did not answer in time; nothing was done, repeat the request later.', 5],
  busy: ['DATABASE_BUSY', 'The database is busy; nothing was done, repeat the request later.', 1],
  'read-only': ['DATABASE_READ_ONLY', 'The database takes no writes at the moment; repeat the request later.', 10],
  full: ['DATABASE_FULL', 'The database has no room to write; nothing was done, repeat the request later.', 30],
};

/** What a use case sees: "try again later" for a fault of the database, and every other error as it is. */
export function asLicetError(error: unknown): unknown {
  const known = UNAVAILABLE[faultOf(error)];
  if (known === undefined) return error;
  const [code, message, retryAfterSeconds] = known;
  return new LicetError('unavailable', code, message, { retryAfterSeconds, cause: error });
}
