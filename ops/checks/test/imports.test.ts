import assert from 'node:assert/strict';
import { join } from 'node:path';
import { importsOf, sourceFiles, violation, workspacesOf } from '../imports.ts';

const ROOT = join(import.meta.dirname, '../../..');
const workspaces = workspacesOf(ROOT);

describe('The import table of docs/architecture.md', () => {
  it('is kept by every file', () => {
    const broken = sourceFiles(ROOT)
      .flatMap((file) => importsOf(ROOT, file))
      .map((found) => violation(found, workspaces))
      .filter((sentence) => sentence !== undefined);
    assert.deepEqual(broken, []);
  });

  const FORBIDDEN = [
    { name: 'the format that reads a clock or a file', file: 'ca/format/x.ts', specifier: 'node:fs' },
    { name: 'the verifier that knows the authority', file: 'ca/verify/x.ts', specifier: '@licet/authority' },
    { name: 'the pure verifier that uses its own Node part', file: 'ca/verify/x.ts', specifier: './node/sources.ts' },
    {
      name: 'HTTP that reaches the database',
      file: 'server/http/api/x.ts',
      specifier: '../../persistence/database.ts',
    },
    { name: 'HTTP that reaches the keys', file: 'server/http/est/x.ts', specifier: '@licet/authority' },
    { name: 'a use case that knows Express', file: 'server/licensing/x.ts', specifier: 'express' },
    { name: 'a use case that knows TypeORM', file: 'server/licensing/x.ts', specifier: 'typeorm' },
    { name: 'an agent that could issue', file: 'ops/agent/x.ts', specifier: '@licet/authority' },
    { name: 'a way around a package name', file: 'ops/cli/x.ts', specifier: '../../ca/format/index.ts' },
    { name: 'an undeclared npm package', file: 'server/x.ts', specifier: 'left-pad' },
    { name: 'a path into a package that it does not export', file: 'ops/cli/x.ts', specifier: '@licet/server/main.ts' },
    { name: 'a relative import without extension', file: 'server/x.ts', specifier: './app' },
  ];
  for (const { name, ...found } of FORBIDDEN) {
    it(`refuses ${name}`, () => assert.notEqual(violation(found, workspaces), undefined));
  }

  const ALLOWED = [
    { name: 'the verifier to use the format', file: 'ca/verify/x.ts', specifier: '@licet/format' },
    { name: 'a use case to use the authority', file: 'server/licensing/x.ts', specifier: '@licet/authority' },
    { name: 'main to wire persistence', file: 'server/main.ts', specifier: './persistence/database.ts' },
    { name: 'a store to implement a port', file: 'server/persistence/x.ts', specifier: '../licensing/ports/clock.ts' },
  ];
  for (const { name, ...found } of ALLOWED) {
    it(`allows ${name}`, () => assert.equal(violation(found, workspaces), undefined));
  }
});
