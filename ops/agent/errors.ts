/** What the agent says when it cannot go on: one sentence for whoever stands at the site, and a code for scripts. */
export type AgentCode =
  | 'FOLDER_IN_USE' // another agent runs on it
  | 'FOLDER_READ_ONLY'
  | 'DISK_FULL'
  | 'DISK_FAILED'
  | 'CANNOT_WRITE' // a place outside the folder
  | 'NO_INPUT' // a file that was named, or one of the folder, cannot be read
  | 'LISTEN_FAILED'
  | 'STATE_DAMAGED'
  | 'NOT_ENROLLED'
  | 'ALREADY_ENROLLED'
  | 'NO_SERVER' // a site without a network
  | 'KIT_INVALID'
  | 'SETTINGS_INVALID'
  | 'USAGE'
  | 'ROOT_MISMATCH' // the server shows another root than the kit or the folder names
  | 'ANSWER_INVALID' // the server's answer is not what was asked for
  | 'REFUSED' // the server said no, and why
  | 'PENDING' // the server wants to be asked again
  | 'UNAVAILABLE' // no server could be reached, or all were busy
  | 'LICENSE_INVALID'
  | 'KEY_UNAVAILABLE'; // the place where the key lies does not answer, or not to us

export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentCode;
  /** The server's own word on when to ask again. */
  readonly retryAfterSeconds: number | undefined;
  /** The stable code of the server's refusal. */
  readonly serverCode: string | undefined;

  constructor(
    code: AgentCode,
    message: string,
    more: { retryAfterSeconds?: number | undefined; serverCode?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.serverCode = more.serverCode;
  }
}

/** A full or read-only disk has a name; every other error is as it is. */
export function diskError(path: string, error: unknown): unknown {
  if (error instanceof AgentError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AgentError(
      'DISK_FULL',
      `There is no room to write ${path}: make some; the license in use stays as it is.`,
      { cause: error },
    );
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new AgentError(
      'FOLDER_READ_ONLY',
      `${path} cannot be written: correct its rights; the license in use stays as it is.`,
      { cause: error },
    );
  }
  if (code === 'EIO') {
    const message = `The disk does not take ${path} (EIO): look to it; the license in use stays as it is.`;
    return new AgentError('DISK_FAILED', message, { cause: error });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') {
    const why = code === 'EISDIR' ? 'it is a folder' : 'its folder is not there';
    return new AgentError('CANNOT_WRITE', `${path} cannot be written: ${why}.`, { cause: error });
  }
  return error;
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EISDIR: 'it is a folder',
  EACCES: 'it belongs to somebody else; run this as the user of the agent',
  EPERM: 'it belongs to somebody else; run this as the user of the agent',
  EIO: 'the disk does not give it (EIO); look to that',
};

/** What no other place had a word for: a file that could not be read. */
export function readError(error: unknown): unknown {
  const { code = '', path = 'A file' } = error as NodeJS.ErrnoException;
  const why = UNREADABLE[code];
  return why === undefined ? error : new AgentError('NO_INPUT', `${path} cannot be read: ${why}.`, { cause: error });
}
