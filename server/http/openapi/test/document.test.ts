import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import manifest from '../../../package.json' with { type: 'json' };
import { ACTIONS } from '../../../licensing/access/actions.ts';
import { authorizationPage } from '../../../licensing/access/page.ts';
import { isOpen } from '../../api/endpoint.ts';
import { ENDPOINTS } from '../../api/index.ts';
import { openApiDocument } from '../document.ts';
import { refusalsOf } from '../refusals.ts';

type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly responses: Record<string, unknown>;
};
type Document = { readonly paths: Record<string, Record<string, Operation>> };

const made = openApiDocument(ENDPOINTS, manifest.version) as Document;

describe('The authorization table', () => {
  it('is the one that docs/authorization.md shows, with all calls: otherwise run npm run docs:authorization', () => {
    const page = readFileSync(new URL('../../../../docs/authorization.md', import.meta.url), 'utf8');
    assert.equal(page, authorizationPage(ENDPOINTS));
  });
});

describe('The OpenAPI document', () => {
  it('is the one that docs/openapi.json shows: otherwise run npm run docs:openapi', () => {
    const stored: unknown = JSON.parse(readFileSync(new URL('../../../../docs/openapi.json', import.meta.url), 'utf8'));
    assert.deepEqual(JSON.parse(JSON.stringify(made)), stored);
  });

  it('describes every endpoint under its path and method', () => {
    for (const { method, operation, path } of ENDPOINTS) {
      const found = made.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      assert.equal(found?.operationId, operation, `${method} ${path}`);
    }
  });

  it('names each operation once', () => {
    const names = ENDPOINTS.map(({ operation }) => operation);
    assert.deepEqual([...new Set(names)], names);
  });

  for (const endpoint of ENDPOINTS) {
    describe(`${endpoint.method} ${endpoint.path}`, () => {
      it('has an example of the answer that its schema accepts', () => {
        const { error } = endpoint.answer.safeParse(endpoint.example.answer);
        assert.equal(error, undefined, error?.message);
      });

      it('has an example of the body that its schema accepts, if it takes one', () => {
        const error = endpoint.body?.safeParse(endpoint.example.body).error;
        assert.equal(error, undefined, error?.message);
      });

      it('names an action of the authorization table', () => {
        assert.ok(isOpen(endpoint.action) || Object.hasOwn(ACTIONS, endpoint.action), endpoint.action);
      });

      it('gives each code one status', () => {
        const codes = [...refusalsOf(endpoint).values()].flat();
        assert.deepEqual([...new Set(codes)].sort(), codes.sort());
      });
    });
  }
});
