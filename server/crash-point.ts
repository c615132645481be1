import { CRASH_AT, crashHook } from '@licet/authority';

/** Where a drill kills this process (F1): nowhere, unless its variable is set. */
export const crashPoint = crashHook(process.env[CRASH_AT], () => process.kill(process.pid, 'SIGKILL'));
