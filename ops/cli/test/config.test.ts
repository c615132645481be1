import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { register } from '../commands/config.ts';
import type { CliIo } from '../io.ts';

async function check(args: readonly string[], env: CliIo['env'] = {}): Promise<string> {
  let out = '';
  const io: CliIo = {
    out: (text) => (out += text),
    err: () => undefined,
    stdin: Readable.from([]),
    env,
    now: () => new Date(0),
    exit: () => undefined,
  };
  const program = new Command('licet').exitOverride();
  register(program, io);
  await program.parseAsync(['config', 'check', ...args], { from: 'user' });
  return out;
}

describe('licet config check', () => {
  it('prints every value with its source, secrets masked', async () => {
    const out = await check(['--http.port', '8443'], { DATABASE_URL: 'postgres://a:hunter2@b/c' });
    assert.match(out, /^http\.port +8443 +--http\.port$/m);
    assert.match(out, /^database\.url +\*{8} +DATABASE_URL$/m);
    assert.match(out, /^log\.level +"info" +default$/m);
    assert.ok(!out.includes('hunter2'));
  });

  it('prints JSON for programs', async () => {
    const values = JSON.parse(await check(['--json', '--log.level=warn'])) as { key: string; origin: string }[];
    assert.equal(values.find(({ key }) => key === 'log.level')?.origin, '--log.level');
  });

  it('refuses what the server would refuse, with the exit code for configuration', async () => {
    await assert.rejects(check(['--http.port', 'x'], { LICET_HTP_HOST: 'x' }), (error: Error) => {
      assert.deepEqual(
        { exitCode: (error as Error & { exitCode: number }).exitCode, lines: error.message.split('\n').length },
        { exitCode: 78, lines: 3 },
      );
      return true;
    });
  });
});
