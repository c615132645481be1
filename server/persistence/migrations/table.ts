/** The columns that every stored thing of an organization has. */
export const entity = (table: string, own: string): string => `
  create table ${table} (
    id uuid primary key,
    organization text collate "C" not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    version integer not null check (version > 0),
    ${own},
    unique (organization, id)
  )`;

/** A reference holds the organization too, so that none can cross a tenant. */
export const within = (column: string, table: string): string =>
  `foreign key (organization, ${column}) references ${table} (organization, id)`;
