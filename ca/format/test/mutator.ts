/**
 * Makes hostile DER out of good DER: it takes an input apart into its elements, breaks one or several of them in ways
 * that real attacks and real bugs do, and puts everything together again with lengths that fit, or lie.
 */
import { concatBytes, Tag, type Bytes } from '@licet/format';

/** A number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type LengthForm = 'minimal' | 'padded' | 'indefinite' | 'lie';

type Element = {
  tag: number;
  length: LengthForm;
  /** What a lie adds to the true length. */
  lie: number;
  content: Bytes | Element[];
};

/** The elements in these bytes, or undefined when they are no DER. OCTET STRINGs that hold DER are opened as well. */
function parse(bytes: Bytes): Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const header = headerAt(bytes, at);
    if (header === undefined) return undefined;
    const body = bytes.subarray(header.start, header.end);
    const tag = bytes[at]!;
    const opened = tag & 0x20 || (tag === Tag.OCTET_STRING && body.length > 2) ? parse(body) : undefined;
    if (tag & 0x20 && opened === undefined) return undefined;
    elements.push({ tag, length: 'minimal', lie: 0, content: opened ?? body });
    at = header.end;
  }
  return elements;
}

function headerAt(bytes: Bytes, at: number): { start: number; end: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined || first === 0x80 || first > 0x84) return undefined;
  let length = first;
  let start = at + 2;
  if (first > 0x80) {
    length = 0;
    for (; start < at + 2 + (first & 0x7f); start += 1) length = length * 256 + (bytes[start] ?? 0);
  }
  return start + length <= bytes.length ? { start, end: start + length } : undefined;
}

function serialize(element: Element): Bytes {
  const { content } = element;
  const body = Array.isArray(content) ? concatBytes(...content.map(serialize)) : content;
  if (element.length === 'indefinite') {
    return concatBytes(Uint8Array.of(element.tag, 0x80), body, Uint8Array.of(0, 0));
  }
  const claimed = Math.max(0, body.length + (element.length === 'lie' ? element.lie : 0));
  return concatBytes(Uint8Array.of(element.tag, ...lengthOctets(claimed, element.length === 'padded')), body);
}

function lengthOctets(length: number, padded: boolean): number[] {
  if (length < 0x80 && !padded) return [length];
  const octets: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left & 0xff);
  if (padded && length >= 0x80) octets.unshift(0);
  if (octets.length === 0) octets.push(0);
  return [0x80 | octets.length, ...octets];
}

/** Where an element stands: in this list, at this index. */
type Place = { list: Element[]; index: number };

function places(list: Element[], found: Place[] = []): Place[] {
  list.forEach((element, index) => {
    found.push({ list, index });
    if (Array.isArray(element.content)) places(element.content, found);
  });
  return found;
}

const TAGS = [...Object.values(Tag), 0x00, 0x1f, 0x3f, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xa3, 0xbf, 0x23, 0x24];
const LIES = [-2, -1, 1, 2, 127, 128, 256, 65_536, 2 ** 31 - 1];
const OCTETS = [0x00, 0x01, 0x7f, 0x80, 0xff];
const TEXT = new TextEncoder();
const TIMES = [
  '491231235959Z',
  '500101000000Z',
  '20500101000000Z',
  '20260230000000Z',
  '260101000000+0000',
  '2601010000Z',
  '20260101000000.5Z',
];

type Mutation = (place: Place, random: Random, donor: Element[]) => void;

function pick<T>(from: readonly T[], random: Random): T {
  return from[random(from.length)]!;
}

/** The octets of an element, whatever it is, to be replaced by changed ones. */
function edit({ list, index }: Place, change: (octets: Bytes) => Bytes): void {
  const element = list[index]!;
  const { content } = element;
  const octets = Array.isArray(content) ? concatBytes(...content.map(serialize)) : content.slice();
  list[index] = { ...element, content: change(octets) };
}

function form(length: LengthForm): Mutation {
  return ({ list, index }, random) => {
    list[index] = { ...list[index]!, length, lie: pick(LIES, random) };
  };
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  bitFlip: (place, random) => {
    edit(place, (octets) => {
      if (octets.length > 0) octets[random(octets.length)]! ^= 1 << random(8);
      return octets;
    });
  },
  octet: (place, random) => {
    edit(place, (octets) => {
      if (octets.length > 0) octets[random(octets.length)] = pick(OCTETS, random);
      return octets;
    });
  },
  cut: (place, random) => {
    edit(place, (octets) => octets.subarray(0, random(octets.length + 1)));
  },
  grow: (place, random) => {
    edit(place, (octets) => concatBytes(octets, Uint8Array.of(pick(OCTETS, random))));
  },
  padFront: (place, random) => {
    edit(place, (octets) => concatBytes(Uint8Array.of(pick(OCTETS, random)), octets));
  },
  empty: (place) => {
    edit(place, () => new Uint8Array(0));
  },
  time: (place, random) => {
    edit(place, () => TEXT.encode(pick(TIMES, random)));
  },
  remove: ({ list, index }) => {
    list.splice(index, 1);
  },
  repeat: ({ list, index }, random) => {
    const times = random(50) === 0 ? 300 : 1 + random(2);
    for (let i = 0; i < times; i += 1) list.splice(index, 0, copyOf({ list, index }));
  },
  swap: ({ list, index }, random) => {
    const other = random(list.length);
    [list[index], list[other]] = [list[other]!, list[index]!];
  },
  splice: ({ list, index }, random, donor) => {
    list[index] = copyOf(pick(places(donor), random));
  },
  insert: ({ list, index }, random, donor) => {
    list.splice(index, 0, copyOf(pick(places(donor), random)));
  },
  nest: ({ list, index }, random) => {
    const depth = random(20) === 0 ? 200 : 1 + random(3);
    for (let i = 0; i < depth; i += 1) {
      list[index] = {
        tag: pick([Tag.SEQUENCE, Tag.SET, 0xa0, 0xa4], random),
        length: 'minimal',
        lie: 0,
        content: [list[index]!],
      };
    }
  },
  tag: ({ list, index }, random) => {
    list[index] = { ...list[index]!, tag: pick(TAGS, random) };
  },
  constructed: ({ list, index }) => {
    const element = list[index]!;
    const inner = { ...element, tag: element.tag & ~0x20 };
    list[index] = { ...element, tag: element.tag | 0x20, content: [inner] };
  },
  explicitDefault: ({ list, index }) => {
    list.splice(index, 0, { tag: Tag.BOOLEAN, length: 'minimal', lie: 0, content: Uint8Array.of(0) });
  },
  lie: form('lie'),
  padded: form('padded'),
  indefinite: form('indefinite'),
};

/** A copy that shares no list, so that no later mutation can put an element inside itself. */
function copyOf({ list, index }: Place): Element {
  const element = list[index]!;
  const { content } = element;
  if (!Array.isArray(content)) return { ...element };
  return { ...element, content: content.map((_, i) => copyOf({ list: content, index: i })) };
}

const KINDS = Object.values(MUTATIONS);

/** One hostile variant of `seed`; parts of `donor` may be spliced into it. */
export function mutate(seed: Bytes, donor: Bytes, random: Random): Bytes {
  // Now and then without regard to structure, as a line or a disk would.
  if (random(8) === 0) return mutateRaw(seed, random);
  const elements = parse(seed);
  const foreign = parse(donor);
  if (elements === undefined || foreign === undefined) return mutateRaw(seed, random);
  const times = random(4) === 0 ? 2 + random(3) : 1;
  for (let i = 0; i < times; i += 1) {
    const all = places(elements);
    if (all.length > 0) pick(KINDS, random)(pick(all, random), random, foreign);
  }
  return concatBytes(...elements.map(serialize));
}

function mutateRaw(seed: Bytes, random: Random): Bytes {
  const bytes = seed.slice();
  switch (random(4)) {
    case 0:
      return bytes.subarray(0, random(bytes.length + 1));
    case 1:
      return concatBytes(bytes, Uint8Array.of(pick(OCTETS, random)));
    default:
      if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
      return bytes;
  }
}
