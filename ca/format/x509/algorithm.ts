import type { DerReader, PathStep } from '../der/reader.ts';
import { Tag } from '../der/tags.ts';
import type { AlgorithmIdentifier, PublicKeyInfo } from './types.ts';

/** RFC 5280 §4.1.1.2. */
export function readAlgorithm(reader: DerReader, name: PathStep, tag: number = Tag.SEQUENCE): AlgorithmIdentifier {
  const start = reader.position;
  reader.enter(tag, name);
  const oid = reader.oid('algorithm');
  const parameters = reader.peek() === -1 ? undefined : reader.any('parameters');
  reader.leave();
  return { oid, parameters, raw: reader.since(start) };
}

/** RFC 5280 §4.1.2.7. */
export function readPublicKey(reader: DerReader, name: PathStep): PublicKeyInfo {
  const start = reader.position;
  reader.enter(Tag.SEQUENCE, name);
  const algorithm = readAlgorithm(reader, 'algorithm');
  const key = reader.bitString('key');
  reader.leave();
  return { raw: reader.since(start), algorithm, key };
}
