import { equalBytes } from '../bytes.ts';
import type { Bytes } from './types.ts';

/** The serial at `position`, whose tag and one length octet were checked when the entry was read. */
type SerialAt = (position: number) => Bytes;

// With twice as many slots as entries a search takes 1.5 steps on average. Only numbers chosen to collide take many more.
const STEPS_PER_ENTRY = 16;

/**
 * Finds an entry of a CRL by its serial: a table of positions with open addressing, 8 to 16 octets for each entry.
 * Building it takes a bounded number of steps, because the numbers come from whoever wrote the CRL.
 */
export class CrlIndex {
  private readonly slots: Uint32Array;
  private readonly serialAt: SerialAt;

  private constructor(entries: number, serialAt: SerialAt) {
    this.slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, entries * 2))));
    this.serialAt = serialAt;
  }

  /** The index, or what is wrong with the list: a serial that occurs twice, or too many that collide. */
  static build(positions: Uint32Array, serialAt: SerialAt): CrlIndex | { duplicate: number } | 'collisions' {
    const index = new CrlIndex(positions.length, serialAt);
    let steps = positions.length * STEPS_PER_ENTRY + 1024;
    for (const position of positions) {
      const serial = serialAt(position);
      let slot = index.firstSlot(serial);
      for (; index.slots[slot] !== 0; slot = index.next(slot)) {
        if (equalBytes(serialAt(index.slots[slot]! - 1), serial)) return { duplicate: position };
        steps -= 1;
        if (steps === 0) return 'collisions';
      }
      index.slots[slot] = position + 1;
    }
    return index;
  }

  /** The position of the entry, or -1. */
  find(serial: Bytes): number {
    for (let slot = this.firstSlot(serial); this.slots[slot] !== 0; slot = this.next(slot)) {
      const position = this.slots[slot]! - 1;
      if (equalBytes(this.serialAt(position), serial)) return position;
    }
    return -1;
  }

  private firstSlot(serial: Bytes): number {
    let hash = 0x811c9dc5;
    for (const octet of serial) hash = Math.imul(hash ^ octet, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & (this.slots.length - 1);
  }

  private next(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }
}
