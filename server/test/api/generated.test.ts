import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { requireTool } from '@licet/checks';
import { client } from './client.ts';
import { openShop } from './shop.ts';
import { openWorld, type World } from './world.ts';

/** What a schema allows, and what it does not, in numbers that stay the same from run to run. */
const SEED = 4711;
const EXAMPLES = 2;

/**
 * Not `negative_data_rejection`: the generator also calls a number in quotes in a URL no number. Not
 * `missing_required_header`: it does not know RFC 6585 and its 428. Both have their tests in input.test.ts.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'ignored_auth',
];

/** Nobody is known here before it worked. */
const SIGNING_IN = /\/(?:sessions|invitations)\b/;

describe('Requests that schemathesis generates from the document', () => {
  let world: World;
  before(async function () {
    requireTool(this, 'schemathesis');
    this.timeout(60_000);
    world = await openWorld(this);
  });
  after(() => world?.close());

  it('get no 5xx, and no answer that the document does not describe', async function () {
    // The generator alone takes a minute of a good processor for its eight thousand requests.
    this.timeout(400_000);
    await openShop(client(world.url, world.owners.acme), 'generated');
    const args = [
      'run',
      `${world.url}/api/openapi.json`,
      '--header',
      `Authorization: Bearer ${world.owners.acme}`,
      ...`--checks ${CHECKS.join(',')} --phases examples,coverage,fuzzing --seed ${SEED}`.split(' '),
      ...`--max-examples ${EXAMPLES} --generation-database none --continue-on-failure --no-color`.split(' '),
      // It would find its own token in the list of tokens, and ask for nothing more after that.
      ...'--exclude-operation-id revokeToken'.split(' '),
      // A rare filter makes the generator slow, which says nothing about the server. One worker: with more, the
      // generator itself fails at times under Python 3.11.
      ...'--suppress-health-check all --workers 1'.split(' '),
    ];
    const { code, stdout } = await run('schemathesis', args);
    assert.equal(code, 0, stdout);
    // What was asked without a right to ask was not tried at all.
    const [, refused = ''] = /401 Unauthorized \(\d+ operations?\):\n((?: {2}- .*\n)+)/.exec(stdout) ?? [];
    const others = refused.split('\n').filter((line) => line !== '' && !SIGNING_IN.test(line));
    assert.deepEqual(others, [], stdout);
  });
});

async function run(program: string, args: readonly string[]): Promise<{ code: number; stdout: string }> {
  const ended = promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, CI: '1' } });
  try {
    return { code: 0, stdout: (await ended).stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout: `${stdout}\n${stderr}` };
  }
}
