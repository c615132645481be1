export {
  type AuditRow,
  type ChainHead,
  emptyChain,
  extendChain,
  GENESIS,
  hashRow,
  type NewRow,
  rowLine,
} from './chain.ts';
export {
  AuditExportError,
  type AuditReport,
  describeReport,
  headLine,
  parseCheckpoints,
  verifyExport,
} from './export.ts';
export { type AuditFault, type AuditFinding, ChainVerifier } from './verifier.ts';
