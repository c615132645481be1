export { FormatError, type FormatCode } from './errors.ts';
export { DerReader, type PathStep } from './der/reader.ts';
export { DerWriter } from './der/writer.ts';
export { Tag, explicit, implicit } from './der/tags.ts';
export { type DerLimits } from './der/limits.ts';
export { OID, oidName, type OidName } from './oids.ts';
export { NO_EXPIRY, readGeneralizedTime, readTime, writeGeneralizedTime, writeTime } from './time.ts';
export type * from './x509/types.ts';
