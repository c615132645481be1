import { fromBase64, toBase64 } from './bytes.ts';
import { FormatError } from './errors.ts';
import type { Bytes } from './x509/types.ts';

/** The labels of RFC 7468 §4 that we read or write. */
export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL' | 'CMS' | 'PUBLIC KEY' | (string & {});

export type PemBlock = { readonly label: PemLabel; readonly bytes: Bytes };

// A CRL of 128 MiB, the largest that we read, in base64 with line ends; and more certificates than any bundle holds.
const MAX_TEXT = 192 * 1024 * 1024;
const MAX_BLOCKS = 10_000;

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
  for (const line of text.split(/\r\n|\n|\r/)) {
    const trimmed = line.trim();
    if (open === undefined) {
      if (trimmed.startsWith('-----')) open = { label: beginLabel(trimmed, blocks.length), lines: [] };
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
