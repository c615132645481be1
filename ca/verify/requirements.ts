import type { Claims, Mode } from '@licet/format';
import type { Findings } from './verdict.ts';

/** What a product needs, asked for in one call. */
export type Requirements = {
  /** Each of these must be granted, by its full name. */
  readonly features?: readonly string[];
  /** At least this rank. */
  readonly tier?: number;
  readonly mode?: Mode;
  /** The use, by the code of the limit: how much there is now, or would be after what is about to happen. */
  readonly limits?: Readonly<Record<string, number>>;
};

export function checkRequirements(effective: Claims, require: Requirements, findings: Findings): void {
  for (const feature of require.features ?? []) {
    if (effective.features.includes(feature)) continue;
    findings.refuse('insufficient', 'FEATURE_MISSING', `The license does not grant "${feature}".`, 'features');
  }
  const { tier, mode } = require;
  if (tier !== undefined && !(effective.tier.rank >= tier)) {
    const has = `${effective.tier.code} (rank ${effective.tier.rank})`;
    findings.refuse('insufficient', 'TIER_TOO_LOW', `The tier is ${has}, and rank ${tier} is needed.`, 'tier');
  }
  if (mode !== undefined && !effective.modes.includes(mode)) {
    const has = effective.modes.join(', ');
    findings.refuse('insufficient', 'MODE_MISMATCH', `The license is for ${has} and not for ${mode}.`, 'modes');
  }
  for (const [code, used] of Object.entries(require.limits ?? {})) checkLimit(effective, code, used, findings);
}

/** A product is licensed when it is granted itself, or any feature of it. */
export function checkProduct(effective: Claims, product: string, findings: Findings): void {
  const granted = effective.features.some((feature) => feature === product || feature.startsWith(`${product}/`));
  if (granted) return;
  findings.refuse(
    'insufficient',
    'FEATURE_MISSING',
    `The license does not cover the product "${product}".`,
    'features',
  );
}

function checkLimit(effective: Claims, code: string, used: number, findings: Findings): void {
  const limit = effective.limits.find((candidate) => candidate.code === code);
  const claim = `limits.${code}`;
  if (limit === undefined) {
    findings.refuse('insufficient', 'LIMIT_EXCEEDED', `The license grants no ${code} at all.`, claim);
    return;
  }
  const counted = Number.isFinite(used) && used >= 0;
  if (counted && (limit.max === 'unlimited' || used <= limit.max)) return;
  const detail = `${used} ${code} are in use, and ${limit.max} are licensed.`;
  if (!counted || limit.enforce === 'hard') findings.refuse('insufficient', 'LIMIT_EXCEEDED', detail, claim);
  else if (limit.enforce === 'soft') findings.warn('LIMIT_EXCEEDED', detail, { claim });
  else findings.note('LIMIT_EXCEEDED', detail, claim);
}
