import type { Term } from '@licet/format';
import { LicetError } from '../errors.ts';
import type { ContractTerm } from './contract.ts';

const DAY_MS = 86_400_000;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/**
 * The instants of a term that was agreed in days: from the first instant of the first day to the first instant after
 * the last, in the zone of the contract. Half open, so nobody has to say what the last second is.
 */
export function instantsOf(term: ContractTerm): Term {
  const name = `${term.firstDay} ${term.lastDay} ${term.timeZone}`;
  let known = KNOWN.get(name);
  if (known === undefined) {
    known = reckon(term);
    // The oldest goes: contracts of one time have few terms between them.
    if (KNOWN.size >= KNOWN_MOST) KNOWN.delete(KNOWN.keys().next().value!);
    KNOWN.set(name, known);
  }
  return { from: new Date(known.from), to: new Date(known.to) };
}

/** Reading the clocks of a zone takes longer than signing a license, and each renewal asks for the same term. */
const KNOWN = new Map<string, Term>();
const KNOWN_MOST = 1000;

function reckon({ firstDay, lastDay, timeZone }: ContractTerm): Term {
  const from = startOfDay(firstDay, timeZone, '/term/firstDay');
  const to = startOfDay(nextDay(lastDay, '/term/lastDay'), timeZone, '/term/lastDay');
  if (from < to) return { from, to };
  throw invalid('TERM_EMPTY', '/term/lastDay', `The last day, ${lastDay}, is before the first, ${firstDay}.`);
}

/** The last day of a term that begins on a day and has a length in months: the day before the same day of a later month. */
export function lastDayAfter(firstDay: string, months: number): string {
  const [year, month, day] = partsOf(firstDay, '/term/firstDay');
  const index = month - 1 + months;
  // A month that is too short for the day ends the term with its own last day.
  const daysThere = new Date(Date.UTC(year, index + 1, 0)).getUTCDate();
  const end = Date.UTC(year, index, Math.min(day, daysThere)) - (day > daysThere ? 0 : DAY_MS);
  return dayText(end);
}

/** The first instant that is on this day by the clocks of the zone: not midnight where a day begins at one o'clock. */
function startOfDay(day: string, timeZone: string, pointer: string): Date {
  const [year, month, date] = partsOf(day, pointer);
  const clock = localClock(timeZone);
  const midnight = Date.UTC(year, month - 1, date);
  // Zones are at most 14 hours from UTC; between these bounds the local day begins exactly once.
  let before = midnight - 16 * 3_600_000;
  let after = midnight + 16 * 3_600_000;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (clock(middle) < midnight) before = middle;
    else after = middle;
  }
  return new Date(after);
}

/** Reads the clocks of a zone at an instant, as the milliseconds that UTC clocks would show then. */
function localClock(timeZone: string): (instant: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  } catch {
    const example = 'give a name of the time zone database, e.g. Europe/Berlin or UTC';
    throw invalid('TIME_ZONE_UNKNOWN', '/term/timeZone', `"${timeZone}" is no time zone; ${example}.`);
  }
  return (instant) => {
    const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((instant % 1000) + 1000) % 1000);
  };
}

function nextDay(day: string, pointer: string): string {
  const [year, month, date] = partsOf(day, pointer);
  return dayText(Date.UTC(year, month - 1, date) + DAY_MS);
}

function partsOf(day: string, pointer: string): [year: number, month: number, date: number] {
  const match = DAY.exec(day);
  const [year, month, date] = (match?.slice(1) ?? []).map(Number) as [number, number, number];
  if (match !== null && dayText(Date.UTC(year, month - 1, date)) === day) return [year, month, date];
  throw invalid('DAY_INVALID', pointer, `"${day}" is no day; write it as 2026-01-31.`);
}

const dayText = (midnight: number): string => new Date(midnight).toISOString().slice(0, 10);

const invalid = (code: string, pointer: string, message: string): LicetError =>
  new LicetError('invalid', code, message, { pointer });
