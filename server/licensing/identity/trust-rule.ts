import type { Mode } from '@licet/format';
import { z } from 'zod';
import { reference, mode, text } from '../fields.ts';
import type { Entity } from '../model/entity.ts';

/**
 * Whose workloads get licenses without anybody handing them a secret: whoever shows a token of this issuer, made for us,
 * that says what the conditions say. Data of the organization, never code.
 */
export type TrustRule = Entity & {
  readonly name: string;
  readonly status: 'active' | 'off';
  /** What their licenses are part of. */
  readonly enterprise: string;
  readonly contract: string;
  readonly mode: Mode;
  /** `iss`, exactly. */
  readonly issuer: string;
  /** `aud`, exactly, and alone. */
  readonly audience: string;
  /** Where the issuer's keys are, if it publishes no discovery document. */
  readonly keys: string | undefined;
  /** Every claim must have one of its values. */
  readonly conditions: Readonly<Record<string, readonly string[]>>;
  /** The claim whose value tells one site from another; never a name, which somebody else can have tomorrow. */
  readonly siteClaim: string;
  /** Of a license, in seconds: about as long as a build takes. */
  readonly lifetime: number;
};

/** What a token says, once it is known who says so. */
export type IdentityClaims = Readonly<Record<string, unknown>>;

/**
 * Their values belong to one owner for ever. GitHub's `job_workflow_ref` is none: it names the workflow that is called,
 * by a name, and a public one can be called from every repository; beside one of these it says how a build was made.
 */
export const PINS: readonly string[] = [
  'repository_id', // GitHub
  'repository_owner_id',
  'enterprise_id',
  'project_id', // GitLab
  'namespace_id',
  '/kubernetes.io/serviceaccount/uid',
  'sub', // whole and exactly, as for a Kubernetes service account; it is never taken apart
];

/**
 * Whether the rule is for service accounts of Kubernetes. Its API servers write the one audience of a token as a list
 * (go-jose does), which nobody else does.
 */
export const isKubernetes = ({ conditions }: Pick<TrustRule, 'conditions'>): boolean =>
  Object.keys(conditions).some((claim) => claim.startsWith('/kubernetes.io/')) ||
  (conditions['sub'] ?? []).some((name) => name.startsWith('system:serviceaccount:'));

/** What makes a repository one of the community. */
const IS_PUBLIC: readonly (readonly [string, string])[] = [
  ['repository_visibility', 'public'],
  ['project_visibility', 'public'],
];

const HOUR = 3600;
const claim = z
  .string()
  .regex(/^(?:[\w.-]{1,100}|(?:\/[\w.~-]{1,100}){1,6})$/, 'must be the name of a claim, or a JSON pointer to one');
const https = z.url({ protocol: /^https$/ }).max(500);

export const trustRuleInput = z
  .strictObject({
    name: text(100),
    contract: reference('contract'),
    mode,
    issuer: https
      .describe('The issuer, exactly as the tokens say it.')
      .meta({ example: 'https://token.actions.githubusercontent.com' }),
    audience: z.string().min(1).max(500).describe('What the tokens must be made for; ask for it in the workflow.'),
    keys: https.optional().describe('Where its keys are (JWKS), if it publishes no discovery document.'),
    conditions: z
      .record(claim, z.array(z.string().min(1).max(500)).min(1).max(100))
      .describe('Claims, and the values that each may have.'),
    siteClaim: claim.describe('The claim that tells one site from another.').meta({ example: 'repository_id' }),
    lifetime: z
      .int()
      .min(300)
      .max(24 * HOUR)
      .default(2 * HOUR)
      .describe('Of each license, in seconds.'),
  })
  .superRefine(({ conditions }, context) => {
    const isPinned = PINS.some((pin) => pin in conditions);
    const isCommunity = IS_PUBLIC.some(([name, value]) => conditions[name]?.join() === value);
    if (isPinned || isCommunity) return;
    // An issuer like GitHub speaks for everybody in the world.
    const message = `must name one of ${PINS.join(', ')}, or be for the public repositories only`;
    context.addIssue({ code: 'custom', path: ['conditions'], message });
  });

/** Whether the claims are what the rule asks for. A claim that is a list or an object equals nothing. */
export function matches(rule: Pick<TrustRule, 'issuer' | 'audience' | 'conditions'>, claims: IdentityClaims): boolean {
  if (claims['iss'] !== rule.issuer || claims['aud'] !== rule.audience) return false;
  return Object.entries(rule.conditions).every(([name, values]) => {
    const value = valueOf(claims, name);
    return value !== undefined && values.includes(value);
  });
}

/** The value of a claim as text; undefined for what is not there or is no single value. */
export function valueOf(claims: IdentityClaims, name: string): string | undefined {
  const path = name.startsWith('/') ? name.slice(1).split('/').map(unescape) : [name];
  let value: unknown = claims;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

/** RFC 6901 §4 */
const unescape = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');
