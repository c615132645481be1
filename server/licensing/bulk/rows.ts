import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Site } from '../model/site.ts';
import type { Row } from './csv.ts';

export const BULK_KINDS = ['enterprise', 'contract', 'site'] as const;
export type BulkKind = (typeof BULK_KINDS)[number];

/** What a line says of each kind: names that people know instead of ids, and `labels.region` for what is inside. */
export const COLUMNS: Readonly<Record<BulkKind, readonly string[]>> = {
  enterprise: ['slug', 'name', 'status'],
  contract: ['enterprise', 'number', 'plan', 'status', 'firstDay', 'lastDay', 'timeZone'],
  site: ['enterprise', 'contract', 'name', 'mode', 'status'],
};

type Names = { readonly enterprise?: string; readonly contract?: string; readonly plan?: string };

export const rowOf = {
  enterprise: ({ slug, name, status, labels }: Enterprise): Row => ({
    slug,
    name,
    status,
    ...prefixed('labels', labels),
  }),
  contract: ({ number, status, term, labels }: Contract, names: Names): Row => ({
    enterprise: names.enterprise ?? '',
    number,
    plan: names.plan ?? '',
    status,
    ...term,
    ...prefixed('labels', labels),
  }),
  site: ({ name, mode, status, shares, labels }: Site, names: Names): Row => ({
    enterprise: names.enterprise ?? '',
    contract: names.contract ?? '',
    name,
    mode,
    status,
    ...prefixed('shares', shares),
    ...prefixed('labels', labels),
  }),
};

function prefixed(prefix: string, values: Readonly<Record<string, unknown>>): Row {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, String(value)]));
}

/** `labels.region` becomes `labels: { region }`; an empty cell is one that is not there. */
export function nested(row: Row): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, cell] of Object.entries(row)) {
    if (cell === '') continue;
    const at = name.indexOf('.');
    const [outer, inner] = at === -1 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
    if (inner === undefined) value[outer] = cell;
    else value[outer] = { ...(value[outer] as object | undefined), [inner]: outer === 'shares' ? Number(cell) : cell };
  }
  return value;
}
