import assert from 'node:assert/strict';
import { loadConfig } from '../config/index.ts';
import { tlsModeOf } from '../effective.ts';

describe('Which TLS a server has', () => {
  const FILES = ['--http.tls.certificate', 'site.pem', '--http.tls.key', 'site.key'];
  const POSTGRESQL = ['--database.url', 'postgres://localhost/licet'];
  const cases: readonly { name: string; argv: string[]; is: string }[] = [
    { name: 'an evaluation its own', argv: [], is: 'own' },
    { name: 'any other none', argv: POSTGRESQL, is: 'off' },
    { name: 'an evaluation the files that are named', argv: FILES, is: 'files' },
    { name: 'any other the files that are named', argv: [...POSTGRESQL, ...FILES], is: 'files' },
    { name: 'the one that is said', argv: [...FILES, '--http.tls.mode', 'off'], is: 'off' },
  ];
  for (const { name, argv, is } of cases) {
    it(name, async () => {
      const { config } = await loadConfig({ argv, env: {}, directory: import.meta.dirname });
      assert.equal(tlsModeOf(config), is);
    });
  }
});
