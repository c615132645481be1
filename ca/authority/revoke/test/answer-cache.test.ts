import assert from 'node:assert/strict';
import { AnswerCache } from '../ocsp/cache.ts';

const answer = { status: 'successful', der: new Uint8Array(), shared: undefined } as const;
const about = (serial: number) => [{ issuer: 'ca', serial: Uint8Array.of(serial) }];
const names = (cache: AnswerCache, ...all: readonly string[]) => all.filter((name) => cache.get(name) !== undefined);

describe('the cache of OCSP answers', () => {
  it('keeps what is asked for and lets the oldest of the others go', () => {
    const cache = new AnswerCache(4);
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) cache.set(name, answer, 0, about(i));
    cache.get('a');
    cache.set('e', answer, 0, about(5));
    assert.ok(cache.size < 5);
    assert.deepEqual(names(cache, 'a', 'b', 'c', 'd', 'e'), ['a', 'd', 'e']);
  });

  it('is never larger than it may be, whoever asks for what', () => {
    const cache = new AnswerCache(64);
    for (let i = 0; i < 1000; i += 1) {
      cache.set(`q${i}`, answer, 0, about(i % 256));
      if (i % 3 === 0) for (let j = 0; j < i; j += 1) cache.get(`q${j}`);
      assert.ok(cache.size <= 64);
    }
  });

  it('forgets every answer about a certificate, however it was asked for', () => {
    const cache = new AnswerCache();
    cache.set('GET', answer, 0, about(1));
    cache.set('POST', answer, 0, [...about(1), ...about(2)]);
    cache.set('other', answer, 0, about(2));
    cache.forget(about(1));
    assert.deepEqual(names(cache, 'GET', 'POST', 'other'), ['other']);
  });
});
