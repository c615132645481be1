import type { Binding, Claims, Limit } from './claims.ts';

/** A readable account of claims: one sentence per line, in the order of the claims. */
export function describe(claims: Claims): string[] {
  return [
    `Grant ${claims.id}, issue number ${claims.sequence}.`,
    `For ${claims.modes.join(', ') || 'no mode at all'}.`,
    `Tier ${claims.tier.code} (rank ${claims.tier.rank}).`,
    claims.features.length === 0 ? 'No features.' : `Features: ${claims.features.join(', ')}.`,
    ...claims.limits.map(describeLimit),
    `Term from ${instant(claims.term.from)} until ${instant(claims.term.to)}.`,
    claims.grace === 0
      ? 'Stops being a license the moment it expires.'
      : `Keeps working for ${duration(claims.grace)} after it has expired.`,
    claims.contact === 0
      ? 'Needs fresh evidence at every check.'
      : `Needs fresh evidence at least every ${duration(claims.contact)}.`,
    DEGRADE[claims.degrade],
    ...(claims.binding ? [describeBinding(claims.binding)] : []),
    ...(claims.reporting
      ? [
          `A usage report is ${claims.reporting.required ? 'required' : 'welcome'} every ${duration(claims.reporting.every)}.`,
        ]
      : []),
  ];
}

const DEGRADE: Record<Claims['degrade'], string> = {
  warn: 'When evidence is overdue, the product warns.',
  readOnly: 'When evidence is overdue, the product takes on nothing new and what runs keeps running.',
  stop: 'When evidence is overdue, the product stops.',
};

const ENFORCE: Record<Limit['enforce'], string> = {
  report: 'more is allowed and reported',
  soft: 'more is allowed with a warning',
  hard: 'more is refused',
};

function describeLimit({ code, max, scope, enforce }: Limit): string {
  if (max === 'unlimited') return `No limit on ${code}.`;
  return `At most ${max} ${code} ${scope === 'pool' ? 'over all sites together' : 'per site'}; ${ENFORCE[enforce]}.`;
}

function describeBinding({ need, digests }: Binding): string {
  if (digests === 'any') return `Sites must be bound to at least ${need} fingerprint${need === 1 ? '' : 's'}.`;
  return `Bound to a machine: ${need} of ${digests.length} fingerprints must match.`;
}

function instant(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** In at most two units: `30 days`, `1 hour 30 minutes`. */
function duration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [name, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return parts.slice(0, 2).join(' ');
}
