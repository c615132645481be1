import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { readBody } from '../../http/body.ts';
import type { FastPath } from '../../http/dispatcher.ts';
import { type Served, serve } from './served.ts';

const FAST: readonly FastPath[] = [
  { method: 'GET', prefix: '/ocsp', handle: (request, response) => void response.end(request.url) },
  {
    method: 'POST',
    prefix: '/ocsp',
    handle: async (request, response) => void response.end(String((await readBody(request, response, 100)).length)),
  },
  {
    method: 'GET',
    prefix: '/broken',
    handle: () => {
      throw new Error('broken');
    },
  },
];

describe('the dispatcher before Express', () => {
  let served: Served;
  before(async () => {
    served = await serve({
      fastPaths: FAST,
      routes: [{ method: 'GET', path: '/ocsp2', handle: (_, response) => void response.send('express') }],
    });
  });
  after(() => served.close());
  const text = async (path: string, init?: RequestInit) => (await fetch(served.url + path, init)).text();

  it('takes its prefix, what is below it and its query, and not its neighbour', async () => {
    assert.equal(await text('/ocsp'), '/ocsp');
    assert.equal(await text('/ocsp/MEUw'), '/ocsp/MEUw');
    assert.equal(await text('/ocsp?x'), '/ocsp?x');
    assert.equal(await text('/ocsp2'), 'express');
  });

  it('reads a body with its own limit', async () => {
    assert.equal(await text('/ocsp', { method: 'POST', body: 'a'.repeat(100) }), '100');
    assert.equal((await fetch(`${served.url}/ocsp`, { method: 'POST', body: 'a'.repeat(101) })).status, 413);
  });

  it('another method is 405 with all that are allowed', async () => {
    const response = await fetch(`${served.url}/ocsp`, { method: 'PUT' });
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD, OPTIONS, POST']);
  });

  it('OPTIONS is answered with all that are allowed', async () => {
    const response = await fetch(`${served.url}/ocsp`, { method: 'OPTIONS' });
    assert.deepEqual([response.status, response.headers.get('allow')], [204, 'GET, HEAD, OPTIONS, POST']);
    assert.ok(response.headers.has('x-request-id'));
  });

  it('takes an address as clients send it to proxies', async () => {
    const sent = async (path: string, method = 'GET') => {
      const [response] = await once(
        request({ port: served.port, path, method }).end(method === 'POST' ? 'abc' : undefined),
        'response',
      );
      return readText(response as IncomingMessage);
    };
    assert.equal(await sent('http://pki.example/ocsp/MEUw?x'), '/ocsp/MEUw?x');
    assert.equal(await sent('HTTP://pki.example:80/ocsp', 'POST'), '3');
    assert.equal(await sent('http://pki.example/ocsp2'), 'express');
  });

  it('a defect in it is a 500 and not a crash', async () => {
    assert.equal((await fetch(`${served.url}/broken`)).status, 500);
    assert.equal(await text('/ocsp'), '/ocsp');
  });

  it('is counted under its prefix, and writes no line', async () => {
    await text('/ocsp/a-serial');
    assert.match(
      await served.metrics.text(),
      /licet_http_requests_total\{method="GET",route="\/ocsp",status="2xx"\} \d/,
    );
    assert.ok(!served.lines.some((line) => line.route === '/ocsp'));
  });
});
