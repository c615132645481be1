import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ALERT_KINDS } from '../../licensing/model/alert.ts';
import { MAILED } from '../../licensing/model/receiver.ts';
import { EVENTS } from '../../licensing/notices/catalog.ts';
import { noticesPage } from '../../licensing/notices/page.ts';
import { LONGEST_PAUSES } from '../../licensing/notices/schedule.ts';

const PAGE = readFileSync(new URL('../../../docs/notices.md', import.meta.url), 'utf8');

const rowsBelow = (title: string): readonly (readonly string[])[] =>
  (PAGE.split(`\n## ${title}\n`)[1] ?? '')
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => [name.replaceAll('`', ''), ...cells]);

describe('docs/notices.md', () => {
  it('lists every event there is, as the catalog says it (npm run docs:notices)', () => {
    assert.equal(noticesPage(PAGE), PAGE);
    assert.deepEqual(Object.fromEntries(rowsBelow('All events').map(([type, says]) => [type, says])), EVENTS);
  });

  it('lists every kind of alert, and all that there is mail of', () => {
    assert.deepEqual(
      rowsBelow('Alerts').map(([kind]) => kind),
      [...ALERT_KINDS],
    );
    const mailed = /There is mail of ([^(]*)\(/.exec(PAGE)?.[1] ?? '';
    assert.deepEqual(
      [...mailed.matchAll(/`([^`]+)`/g)].map(([, type]) => type),
      [...MAILED],
    );
  });

  it('names the pauses between attempts', () => {
    const units: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };
    const named = /between nothing and ([^.]*)\./.exec(PAGE)?.[1] ?? '';
    const pauses = [...named.matchAll(/(\d+) (s|min|h)/g)].map(([, count, unit]) => Number(count) * units[unit!]!);
    assert.deepEqual(pauses, LONGEST_PAUSES);
  });

  it('shows a check of signatures that works', async () => {
    const source = /```js\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
    const { isGenuine } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
      isGenuine: (headers: Record<string, string>, body: string, secret: string) => boolean;
    };
    const [secret, other] = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`) as [
      string,
      string,
    ];
    const signed = (time: number) => {
      const key = Buffer.from(secret.slice(6), 'base64');
      const signature = createHmac('sha256', key).update(`id.${time}.{}`).digest('base64');
      return { 'webhook-id': 'id', 'webhook-timestamp': String(time), 'webhook-signature': `v1,AAAA v1,${signature}` };
    };
    const now = Math.floor(Date.now() / 1000);
    assert.equal(isGenuine(signed(now), '{}', secret), true);
    assert.equal(isGenuine(signed(now), '{ }', secret), false);
    assert.equal(isGenuine(signed(now), '{}', other), false);
    assert.equal(isGenuine(signed(now - 400), '{}', secret), false);
    assert.equal(isGenuine({ ...signed(now), 'webhook-id': 'other' }, '{}', secret), false);
  });
});
