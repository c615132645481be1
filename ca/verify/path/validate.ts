import { type Certificate, OID } from '@licet/format';
import type { Anchor } from '../anchors.ts';
import { type NameSpace, anyNames, nameOutside, narrow } from '../names/constraints.ts';
import { sameName } from '../names/directory.ts';
import type { Context } from './context.ts';
import type { Defect, Finding } from './findings.ts';
import { validityDefects } from './local.ts';
import { type PolicyOptions, PolicyState } from './policies.ts';
import { allowsPurpose } from './usage.ts';

/** A path to an anchor: the leaf first, then its issuer, and so on; the anchor stands apart. */
export type Candidate = { readonly chain: readonly Certificate[]; readonly anchor: Anchor };

export type Validation = { readonly findings: Finding[]; readonly policies: string[] };

/**
 * RFC 5280 §6.1 for what depends on the path as a whole: path length, name constraints and policies, from the anchor
 * down to the leaf. What one certificate says by itself is checked in `local.ts`, links between two in `build.ts`.
 */
export function validate({ chain, anchor }: Candidate, context: Context): Validation {
  const { state, findings } = validateAuthorities(chain.slice(1), anchor, context);
  const last = validateLeaf(state, chain[0]!, context);
  return { findings: [...findings, ...last.findings], policies: last.policies };
}

/** The part of the CAs between the anchor and the leaf, given with the issuer of the leaf first. */
export function validateAuthorities(
  authorities: readonly Certificate[],
  anchor: Anchor,
  context: Context,
): { readonly state: State; readonly findings: Finding[] } {
  const length = authorities.length + 1;
  const state = startFrom(anchor, length, context);
  const findings: Finding[] = anchorDefects(anchor, context).map((defect) => ({ ...defect, at: length }));
  for (let i = authorities.length - 1; i >= 0; i -= 1) {
    for (const defect of step(state, authorities[i]!, false, context)) findings.push({ ...defect, at: i + 1 });
  }
  return { state, findings };
}

/** The part of the leaf, which ends the use of `state.policies`. */
export function validateLeaf(state: State, leaf: Certificate, context: Context): Validation {
  const findings = step(state, leaf, true, context).map((defect): Finding => ({ ...defect, at: 0 }));
  const { satisfied, policies } = state.policies.finish(leaf);
  if (!satisfied) findings.push({ code: 'POLICY_NOT_SATISFIED', at: 0, detail: 'no acceptable policy is left' });
  return { findings, policies };
}

/** §6.1.2, with what the anchor says of itself (RFC 5937 §3.2). */
export type State = { readonly names: NameSpace; readonly policies: PolicyState; pathLength: number };

function startFrom({ certificate, constraints }: Anchor, length: number, context: Context): State {
  const { basicConstraints, nameConstraints, certificatePolicies } = certificate.extensions;
  const names = anyNames();
  if (nameConstraints !== undefined) narrow(names, nameConstraints);
  if (constraints?.names !== undefined) narrow(names, constraints.names);
  let options = context.policies;
  if (certificatePolicies !== undefined)
    options = restrict(
      options,
      certificatePolicies.map(({ oid }) => oid),
    );
  if (constraints?.policies !== undefined) options = restrict(options, constraints.policies);
  const policies = new PolicyState(options, length, context.budget);
  policies.startFrom(certificate);
  const pathLength = Math.min(basicConstraints?.pathLength ?? Infinity, constraints?.pathLength ?? Infinity);
  return { names, policies, pathLength };
}

function restrict(options: PolicyOptions, allowed: readonly string[]): PolicyOptions {
  if (allowed.includes(OID.anyPolicy)) return options;
  const initial = options.initial ?? [OID.anyPolicy];
  const both = initial.includes(OID.anyPolicy) ? allowed : initial.filter((policy) => allowed.includes(policy));
  return { ...options, initial: both };
}

function anchorDefects({ certificate, constraints, validity }: Anchor, context: Context): Defect[] {
  const { from, to } = validity ?? { from: certificate.notBefore, to: certificate.notAfter };
  // §6.1 does not ask whether the anchor's own certificate has expired. We do, as x509-limbo expects and OpenSSL does:
  // who gives an anchor as a certificate means what stands in it, and `validity` is there for who does not.
  const defects = validityDefects(from, to, 'anchor', context);
  const { purposes } = constraints ?? {};
  if (purposes !== undefined && (context.purpose === undefined || !allowsPurpose(purposes, context.purpose))) {
    defects.push({ code: 'USAGE_INVALID', detail: 'the anchor is not trusted for this purpose' });
  }
  return defects;
}

function step(state: State, certificate: Certificate, last: boolean, context: Context): Defect[] {
  const defects: Defect[] = [];
  const selfIssued = sameName(certificate.issuer, certificate.subject);
  // §6.1.3 (b), (c): a self-issued certificate, as in a change of keys, is exempt unless it is the last.
  const outside = selfIssued && !last ? undefined : nameOutside(state.names, certificate, context.budget);
  if (outside !== undefined) defects.push({ code: 'NAME_NOT_PERMITTED', detail: outside });
  if (!state.policies.enter(certificate, selfIssued, last)) {
    defects.push({ code: 'POLICY_NOT_SATISFIED', detail: 'a policy is required and none is left' });
  }
  if (!last) defects.push(...prepareNext(state, certificate, selfIssued));
  return defects;
}

/** §6.1.4. */
function prepareNext(state: State, certificate: Certificate, selfIssued: boolean): Defect[] {
  const defects: Defect[] = [];
  const { basicConstraints, nameConstraints } = certificate.extensions;
  if (!state.policies.prepareNext(certificate, selfIssued)) {
    defects.push({ code: 'POLICY_NOT_SATISFIED', detail: '4.2.1.5: anyPolicy is mapped' });
  }
  if (nameConstraints !== undefined) narrow(state.names, nameConstraints);
  if (!selfIssued) {
    if (state.pathLength <= 0) defects.push({ code: 'PATH_TOO_LONG', detail: 'no further issuer is allowed here' });
    else state.pathLength -= 1;
  }
  state.pathLength = Math.min(state.pathLength, basicConstraints?.pathLength ?? Infinity);
  return defects;
}
