import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { FIELDS } from '../log/fields.ts';
import { type LogFields, type LogOptions, createLog } from '../log/log.ts';

const CANARY = 'canary-5b7e21';
const clock = { now: () => new Date('2026-01-01T00:00:00Z') };

describe('the log', () => {
  const lines: string[] = [];
  const open = (options: Partial<LogOptions> = {}) => {
    lines.length = 0;
    return createLog({ level: 'info', format: 'json', clock, write: (line) => void lines.push(line), ...options });
  };

  it('writes a JSON object a line, with time and level first', () => {
    open().with({ component: 'jobs' }).info({ job: 'crl', ms: 3 }, 'ran');
    assert.deepEqual(lines, [
      '{"level":"info","time":"2026-01-01T00:00:00.000Z","component":"jobs","job":"crl","ms":3,"message":"ran"}\n',
    ]);
  });

  it('drops every field that is not on the list, whatever it is called and however it came', () => {
    const hostile = { password: CANARY, body: { token: CANARY }, headers: { authorization: CANARY }, status: 200 };
    open().info(hostile, 'x');
    open().with(hostile).info({}, 'x');
    const wrongKind = { status: { key: CANARY }, route: [CANARY], ms: CANARY, requestId: { toJSON: () => CANARY } };
    open().info(wrongKind as unknown as LogFields, 'x');
    assert.ok(!lines.join('').includes(CANARY), lines.join(''));
  });

  it('keeps of an error only what is named: not the row values of PostgreSQL, not the request of a client', () => {
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: `Key (a)=(${CANARY})`,
      table: 't',
    });
    const error = Object.assign(new Error('failed', { cause }), { config: { headers: { authorization: CANARY } } });
    open().error({ err: error }, 'x');
    const line = JSON.parse(lines[0]!) as { err: { cause: { code: string; table: string } } };
    assert.equal(line.err.cause.code, '23505');
    assert.equal(line.err.cause.table, 't');
    assert.ok(!lines[0]!.includes(CANARY), lines[0]);
  });

  const shapes = [
    { name: 'a configured secret', text: `cannot use ${CANARY} here` },
    { name: 'the password of a URL', text: `connect postgres://licet:${CANARY}2@db/licet` },
    { name: 'a private key', text: `bad key -----BEGIN EC PRIVATE KEY-----\n${CANARY}\n-----END EC PRIVATE KEY-----` },
    { name: 'half a private key', text: `bad key -----BEGIN PRIVATE KEY-----\n${CANARY}` },
    { name: 'a bearer token', text: `header Authorization: Bearer ${CANARY}` },
  ];
  for (const { name, text } of shapes) {
    it(`strikes out ${name} wherever it turns up`, () => {
      const log = open({ secrets: name === 'a configured secret' ? [CANARY] : [] });
      log.error({ err: new Error(text), reason: text }, text);
      assert.ok(!lines[0]!.includes(CANARY), lines[0]);
      assert.ok(lines[0]!.includes('[redacted]'));
    });
  }

  it('as text is one line, and a stranger cannot write to the terminal or forge a line', () => {
    open({ format: 'text' }).info({ route: '/a', reason: 'x\u001b[2J\nforged' }, 'request');
    assert.equal(lines.length, 1);
    const plain = stripVTControlCharacters(lines[0]!);
    assert.equal(plain, '00:00:00 info  request route=/a reason=x\\x1b[2J\\xaforged\n');
  });

  it('has a place for every field that the server hands it', () => {
    const root = join(import.meta.dirname, '..');
    const files = globSync('**/*.ts', { cwd: root, exclude: (name) => name === 'test' || name === 'node_modules' });
    const used = files.flatMap((file) => {
      const calls = readFileSync(join(root, file), 'utf8').matchAll(/\blog\.\w+\(\s*\{([^{}]*)\}/g);
      return [...calls].flatMap(([, fields]) => [...fields!.matchAll(/(?:^|,)\s*(\w+)/g)].map(([, name]) => name!));
    });
    assert.ok(used.length > 20, 'the calls are found');
    assert.deepEqual(
      used.filter((name) => !(name in FIELDS)),
      [],
    );
  });

  it('leaves out what is below its level', () => {
    const log = open({ level: 'warn' });
    log.info({}, 'x');
    assert.deepEqual([lines.length, log.isOn('info'), log.isOn('error')], [0, false, true]);
  });
});
