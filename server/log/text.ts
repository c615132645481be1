import { styleText } from 'node:util';

const COLOURS = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const;

/** A log line for people: `12:00:00 info  request GET /livez 200 1.2 ms`. What it leaves out is in the JSON form. */
export function textLine(json: string): string {
  const { level, time, message, err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const name = level as keyof typeof COLOURS;
  const fields = Object.entries(rest).map(([key, value]) => `${styleText('gray', `${key}=`)}${printable(value)}`);
  const head = [String(time).slice(11, 19), styleText(COLOURS[name], name.padEnd(5)), printable(message)];
  return `${[...head, ...fields].join(' ')}\n${err === undefined ? '' : errorLines(err as ErrorLines)}`;
}

type ErrorLines = { readonly message: string; readonly stack?: string; readonly cause?: ErrorLines };

function errorLines({ message, stack, cause }: ErrorLines): string {
  const own = (stack ?? message)
    .split('\n')
    .map((line) => `    ${printable(line)}\n`)
    .join('');
  return cause === undefined ? own : `${own}    caused by\n${errorLines(cause)}`;
}

/** A terminal obeys control characters, and some of this text comes from strangers. */
function printable(value: unknown): string {
  return String(value).replaceAll(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
}
