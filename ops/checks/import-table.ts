/**
 * Who may import whom: the walls of docs/architecture.md as data. A room is a folder; the longest matching prefix
 * wins. `ours` are the rooms it may reach besides itself, `packages` the npm packages, `node` the built-in modules
 * (`true` for all). Tests may import more: what the room may, plus TEST_EXTRAS.
 */
export type Room = {
  readonly folder: string;
  readonly ours: readonly string[];
  readonly packages: readonly string[];
  readonly node: true | readonly string[];
};

const PKI = ['pkijs', 'asn1js', '@peculiar/x509', '@peculiar/webcrypto', 'reflect-metadata'];

export const ROOMS: readonly Room[] = [
  // Pure: no clock, no I/O, no keys; runs in a browser.
  { folder: 'ca/format', ours: [], packages: [], node: [] },
  { folder: 'ca/verify', ours: ['ca/format'], packages: [], node: [] },
  { folder: 'ca/verify/node', ours: ['ca/format', 'ca/verify'], packages: [], node: true },
  // Where keys lie outside: shared by the signer and the agent, and knows neither.
  { folder: 'ca/keystores', ours: [], packages: [], node: true },
  {
    folder: 'ca/authority',
    ours: ['ca/format', 'ca/keystores', 'ca/verify'],
    packages: [...PKI, 'shamir-secret-sharing', 'yaml', 'zod'],
    node: true,
  },
  {
    folder: 'server/http',
    ours: ['ca/format', 'server/licensing', 'server/outbound', 'server/metrics', 'server/problem.ts', 'server/log'],
    packages: ['express', 'zod', 'zod-openapi', 'jose'],
    node: true,
  },
  {
    folder: 'server/licensing',
    ours: ['ca/format', 'ca/verify', 'ca/authority'],
    packages: ['zod'],
    node: ['node:crypto'],
  },
  // The adapter between what the domain asks for and @licet/authority. Its stores are handed in, so it knows no database.
  {
    folder: 'server/authority',
    ours: ['ca/format', 'ca/verify', 'ca/authority', 'server/licensing', 'server/authority/ports'],
    packages: [],
    node: true,
  },
  // What the adapter asks of the database: a room of its own, because the database implements it.
  { folder: 'server/authority/ports', ours: ['ca/format', 'ca/authority', 'server/licensing'], packages: [], node: [] },
  {
    folder: 'server/persistence',
    ours: ['server/licensing', 'server/authority/ports', 'ca/authority', 'ca/format'],
    packages: ['typeorm', 'pg', '@electric-sql/pglite'],
    node: true,
  },
  { folder: 'server/jobs', ours: ['server/licensing'], packages: ['node-cron'], node: true },
  // Where the server may connect to when others name the address.
  { folder: 'server/outbound', ours: [], packages: [], node: true },
  // How an organization is told: webhooks and mail.
  {
    folder: 'server/notices',
    ours: ['server/licensing', 'server/outbound', 'server/log'],
    packages: ['nodemailer'],
    node: true,
  },
  { folder: 'server/config', ours: [], packages: ['zod', 'yaml'], node: true },
  // What stands directly in server/ and in its folders of no room: the wiring. It alone knows both sides of every wall.
  {
    folder: 'server',
    ours: ['ca/format', 'ca/verify', 'ca/authority', 'server'],
    packages: ['express', 'pino', 'prom-client', 'zod', 'yaml'],
    node: true,
  },
  { folder: 'ops/sample-app', ours: ['ca/format', 'ca/verify', 'ca/verify/node'], packages: ['express'], node: true },
  {
    folder: 'ops/agent',
    ours: ['ca/format', 'ca/keystores', 'ca/verify', 'ca/verify/node'],
    packages: [],
    node: true,
  },
  {
    folder: 'ops/cli',
    ours: ['ca/format', 'ca/verify', 'ca/verify/node', 'ca/authority', 'server/config', 'server/licensing/audit'],
    packages: ['commander', 'yaml', 'zod'],
    node: true,
  },
  {
    folder: 'ops/bench',
    // The drills let the real agent loose on the real server.
    ours: ['ca/format', 'ca/verify', 'ca/authority', 'server', 'ops/agent', 'ops/checks'],
    packages: [...PKI, 'pg', 'rolldown', '@electric-sql/pglite'],
    node: true,
  },
  {
    folder: 'ops/checks',
    ours: ['ca/format', 'ca/verify', 'ca/authority', 'server', 'ops/bench', 'ops/cli'],
    packages: ['mocha', 'rolldown'],
    node: true,
  },
];

/** What any test may import beyond its room: the oracles and the tools to make things with. */
export const TEST_EXTRAS = {
  ours: [
    'ca/format',
    'ca/keystores',
    'ca/verify',
    'ca/authority',
    'ops/checks',
    'server/licensing',
    'server/authority',
    'server/persistence',
    'server/jobs',
    'server/config',
  ],
  packages: [
    ...PKI,
    'fast-check',
    'mocha',
    'commander',
    'zod',
    'pg',
    'typeorm',
    'yaml',
    'prom-client',
    'jose',
    'express',
    'pino',
    'node-cron',
    'oidc-provider',
    'smtp-server',
    'standardwebhooks',
  ],
};
