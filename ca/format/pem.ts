import { fromBase64, toBase64 } from './bytes.ts';
import { FormatError } from './errors.ts';
import type { Bytes } from './x509/types.ts';

/** The labels of RFC 7468 §4 that we read or write. */
export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL' | 'CMS' | 'PUBLIC KEY' | (string & {});

export type PemBlock = { readonly label: PemLabel; readonly bytes: Bytes };

// A CRL of 128 MiB, the largest that we read, in base64 with line ends; and more certificates than any bundle holds.
const MAX_TEXT = 192 * 1024 * 1024;
const MAX_BLOCKS = 10_000;

const LF = 10;
const CR = 13;
const LINE = 64;
// The longest label of RFC 7468 has 22 characters. The bound keeps a pattern away from lines of a million.
const MAX_LABEL_LINE = 100;
const BEGIN = /^-----BEGIN ([\x21-\x2c\x2e-\x7e](?:[- ]?[\x21-\x2c\x2e-\x7e])*)-----$/;
const BLANK = /^[ \t]*$/;

/**
 * Reads every block of a text, RFC 7468 §2: labels agree, nothing but base64 and white space stands in between, no
 * headers. Text between the blocks is allowed (§5.2), as many tools write an explanation there. A text without a block
 * is refused; so is a block of another label than `label`, where that is given.
 */
export function decodePem(text: string, label?: PemLabel): PemBlock[] {
  if (text.length > MAX_TEXT)
    throw pemError('', `is a text of ${text.length} characters, at most ${MAX_TEXT} are read`);
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    at = end + (text.startsWith('\r\n', end) ? 2 : 1);
    const trimmed = line.trim();
    if (open === undefined) {
      if (!trimmed.startsWith('-----')) continue;
      const label = beginLabel(trimmed, blocks.length);
      const plain = plainBlock(text, at, label);
      if (plain === undefined || plain.bytes.length === 0) open = { label, lines: [] };
      else {
        blocks.push({ label, bytes: plain.bytes });
        at = plain.end;
      }
    } else if (trimmed.startsWith('-----')) {
      blocks.push(closeBlock(open, trimmed, blocks.length));
      open = undefined;
    } else if (!BLANK.test(line)) open.lines.push(trimmed);
  }
  if (open !== undefined) throw pemError(blocks.length, `has no line -----END ${open.label}-----`);
  if (blocks.length === 0) throw pemError('', 'holds no -----BEGIN line');
  blocks.forEach((block, i) => {
    if (label !== undefined && block.label !== label)
      throw pemError(i, `is a ${block.label}, and should be a ${label}`);
  });
  return blocks;
}

/** Where the line that begins at `at` ends: before LF, CR, CR LF, or the end of the text. */
function lineEnd(text: string, at: number): number {
  for (let end = at; end < text.length; end += 1) {
    const unit = text.charCodeAt(end);
    if (unit === LF || unit === CR) return end;
  }
  return text.length;
}

/**
 * The block of which the lines from `at` on are the body, when it is written as programs write it; undefined for any
 * other, which is then read line by line.
 */
function plainBlock(text: string, at: number, label: string): { bytes: Bytes; end: number } | undefined {
  const last = `-----END ${label}-----`;
  const body = text.indexOf('-----', at);
  const end = body + last.length;
  const own = body > at && text.charCodeAt(body - 1) === LF && text.startsWith(last, body);
  if (!own || (end < text.length && lineEnd(text, end) !== end)) return undefined;
  try {
    return { bytes: fromBase64(text.slice(at, body), 'lenient'), end };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function beginLabel(line: string, index: number): string {
  if (index === MAX_BLOCKS) throw pemError(index, `is one block more than ${MAX_BLOCKS}`);
  const label = line.length > MAX_LABEL_LINE ? undefined : BEGIN.exec(line)?.[1];
  if (label === undefined) throw pemError(index, 'begins with a line that is no -----BEGIN label-----');
  return label;
}

function closeBlock(open: { label: string; lines: string[] }, line: string, index: number): PemBlock {
  if (line !== `-----END ${open.label}-----`) throw pemError(index, `should end with -----END ${open.label}-----`);
  try {
    const bytes = fromBase64(open.lines.join(''), 'lenient');
    if (bytes.length > 0) return { label: open.label, bytes };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw pemError(index, 'holds something that is no base64');
  }
  throw pemError(index, 'is empty');
}

function pemError(index: number | '', message: string): FormatError {
  return new FormatError('PEM_INVALID', index === '' ? 'pem' : `pem[${index}]`, message);
}

/** One block, in lines of 64 characters, ending with a line end. */
export function encodePem(label: PemLabel, bytes: Bytes): string {
  const base64 = toBase64(bytes);
  let body = '';
  for (let at = 0; at < base64.length; at += LINE) body += `${base64.slice(at, at + LINE)}\n`;
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}
