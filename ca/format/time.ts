import type { DerReader, PathStep } from './der/reader.ts';
import { Tag } from './der/tags.ts';
import type { DerWriter } from './der/writer.ts';

// RFC 5280 §4.1.2.5.1: two digits mean 1950 to 2049; §4.1.2.5: from 2050 on, GeneralizedTime.
const FIRST_UTC_YEAR = 1950;
const LAST_UTC_YEAR = 2049;
const LAST_YEAR = 9999;

/** RFC 5280 §4.1.2.5: "has no well-defined expiration date". */
export const NO_EXPIRY: Date = new Date(Date.UTC(LAST_YEAR, 11, 31, 23, 59, 59));

/**
 * The Time of RFC 5280 §4.1: seconds always, `Z` always, no fractions, a date that the calendar has. A GeneralizedTime
 * before 2050 is read, though no CA may write one: §4.1.2.5 makes every application process either form.
 */
export function readTime(reader: DerReader, name: PathStep): Date {
  if (reader.peek() !== Tag.UTC_TIME) return readGeneralizedTime(reader, name);
  const end = reader.header(Tag.UTC_TIME, name);
  const start = reader.position;
  const year = end - start === 13 ? digits(reader, start, 2) : Number.NaN;
  reader.position = end;
  return instant(reader, name, year < FIRST_UTC_YEAR - 1900 ? 2000 + year : 1900 + year, start + 2);
}

/** A GeneralizedTime as RFC 5280 §4.1.2.5.2 restricts it; OCSP and the license claims use no other form. */
export function readGeneralizedTime(reader: DerReader, name: PathStep, tag: number = Tag.GENERALIZED_TIME): Date {
  const end = reader.header(tag, name);
  const start = reader.position;
  const year = end - start === 15 ? digits(reader, start, 4) : Number.NaN;
  reader.position = end;
  return instant(reader, name, year, start + 4);
}

/** MMDDHHMMSSZ from `at` on. */
function instant(reader: DerReader, name: PathStep, year: number, at: number): Date {
  if (!Number.isNaN(year) && reader.bytes[at + 10] === 0x5a) {
    const month = digits(reader, at, 2);
    const day = digits(reader, at + 2, 2);
    const hour = digits(reader, at + 4, 2);
    const minute = digits(reader, at + 6, 2);
    const second = digits(reader, at + 8, 2);
    if (
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      day <= daysOf(year, month) &&
      hour < 24 &&
      minute < 60 &&
      second < 60
    ) {
      return new Date(epoch(year, month, day, hour, minute, second));
    }
  }
  return reader.fail('DER_VALUE', name, 'is no time of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ');
}

/** Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function epoch(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const shifted = Date.UTC(year + 400, month - 1, day, hour, minute, second);
  return shifted - 146_097 * 86_400_000;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function digits(reader: DerReader, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i += 1) {
    const digit = reader.bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The form that RFC 5280 §4.1.2.5 demands for the year. Fractions of a second are cut off. */
export function writeTime(writer: DerWriter, date: Date): void {
  const year = date.getUTCFullYear();
  if (year < FIRST_UTC_YEAR || year > LAST_UTC_YEAR) writeGeneralizedTime(writer, date);
  else writer.primitive(Tag.UTC_TIME, compact(date).subarray(2));
}

export function writeGeneralizedTime(writer: DerWriter, date: Date, tag: number = Tag.GENERALIZED_TIME): void {
  writer.primitive(tag, compact(date));
}

/** YYYYMMDDHHMMSSZ. By hand, because a CRL has a million of them. */
function compact(date: Date): Uint8Array {
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= LAST_YEAR)) throw new RangeError(`DER has no form for the time ${String(date)}`);
  const text = new Uint8Array(15);
  putDigits(text, 0, Math.trunc(year / 100));
  putDigits(text, 2, year % 100);
  putDigits(text, 4, date.getUTCMonth() + 1);
  putDigits(text, 6, date.getUTCDate());
  putDigits(text, 8, date.getUTCHours());
  putDigits(text, 10, date.getUTCMinutes());
  putDigits(text, 12, date.getUTCSeconds());
  text[14] = 0x5a;
  return text;
}

function putDigits(text: Uint8Array, at: number, value: number): void {
  text[at] = 0x30 + Math.trunc(value / 10);
  text[at + 1] = 0x30 + (value % 10);
}
