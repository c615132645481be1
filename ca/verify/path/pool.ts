import {
  equalBytes,
  type Bytes,
  type Certificate,
  type CertificateList,
  decodeCertificate,
  decodeCertificateList,
} from '@licet/format';
import { FormatError } from '@licet/format';
import { type Anchor, TrustAnchors } from '../anchors.ts';
import type { Budget } from '../budget.ts';
import { groupByName } from '../names/directory.ts';

/** Everything at hand to build paths from, by the name of who it belongs to. */
export type Pool = {
  readonly anchors: ReadonlyMap<string, readonly Anchor[]>;
  readonly certificates: ReadonlyMap<string, readonly Certificate[]>;
  readonly crls: ReadonlyMap<string, readonly CertificateList[]>;
  /** How many inputs could not be read. They hide nothing: what is missing for want of them ends in a code. */
  readonly unreadable: { readonly anchors: number; readonly certificates: number; readonly crls: number };
};

type Sources = {
  readonly anchors: readonly Bytes[] | TrustAnchors;
  readonly intermediates: readonly Bytes[];
  readonly crls?: readonly Bytes[];
};

export function fillPool(sources: Sources, budget: Budget): Pool {
  const anchors = sources.anchors instanceof TrustAnchors ? sources.anchors : undefined;
  const given = anchors === undefined ? readAll(sources.anchors as readonly Bytes[], decodeCertificate, budget) : [];
  const own = readable(given).map((certificate): Anchor => ({ certificate }));
  const certificates = readAll(sources.intermediates, decodeCertificate, budget);
  const crls = readAll(sources.crls ?? [], decodeCertificateList, budget);
  return {
    anchors: anchors?.byName ?? groupByName(own, ({ certificate }) => certificate.subject),
    certificates: groupByName(distinct(readable(certificates)), ({ subject }) => subject),
    crls: groupByName(readable(crls), ({ issuer }) => issuer),
    unreadable: { anchors: missing(given), certificates: missing(certificates), crls: missing(crls) },
  };
}

/** Undefined for bytes that are not what they should be, and for what is no bytes at all. */
export function readOrUndefined<T>(bytes: Bytes, decode: (bytes: Bytes) => T): T | undefined {
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function readAll<T>(inputs: readonly Bytes[], decode: (bytes: Bytes) => T, budget: Budget): (T | undefined)[] {
  return inputs.map((bytes) => {
    budget.spendObject();
    return readOrUndefined(bytes, decode);
  });
}

function readable<T>(objects: readonly (T | undefined)[]): T[] {
  return objects.filter((object) => object !== undefined);
}

function missing(objects: readonly unknown[]): number {
  return objects.filter((object) => object === undefined).length;
}

/** A bundle may hold the same certificate twice, next to each other or not; twice is no further candidate. */
function distinct(certificates: readonly Certificate[]): readonly Certificate[] {
  if (certificates.length < 2) return certificates;
  const seen = new Map<number, Certificate[]>();
  return certificates.filter((certificate) => {
    const { der, signature } = certificate;
    // A signature is as good as a hash here, and is there already.
    const bucket = new DataView(signature.buffer, signature.byteOffset, signature.length);
    const id = signature.length >= 8 ? bucket.getInt32(signature.length - 4) : der.length;
    const others = seen.get(id);
    if (others?.some((other) => equalBytes(other.der, der)) === true) return false;
    if (others === undefined) seen.set(id, [certificate]);
    else others.push(certificate);
    return true;
  });
}
