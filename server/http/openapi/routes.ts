import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Request, Response } from 'express';
import type { Route } from '../routes.ts';

const asset = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
const digest = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * The document, and a page to browse it that needs nothing from outside and runs nothing but its own script. The document
 * is made for the first who asks: few servers are ever asked, and all would start a tenth of a second later.
 */
export function documentRoutes(document: () => object): readonly Route[] {
  let made: Buffer | undefined;
  const text = (): Buffer => (made ??= Buffer.from(`${JSON.stringify(document())}\n`));
  const script = asset('page.js');
  const style = asset('page.css');
  const html = asset('page.html')
    .replace('<!--STYLE-->', () => `<style>${style}</style>`)
    .replace('<!--SCRIPT-->', () => `<script type="module">${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${digest(script)}`,
    `style-src ${digest(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return [
    {
      method: 'GET',
      path: '/api/openapi.json',
      handle: (request, response) => answer(request, response, 'application/json', text()),
    },
    {
      method: 'GET',
      path: '/api/docs',
      produces: ['text/html'],
      handle(request, response) {
        response.setHeader('Content-Security-Policy', policy);
        answer(request, response, 'text/html; charset=utf-8', Buffer.from(html));
      },
    },
  ];
}

function answer(request: Request, response: Response, type: string, body: Buffer): void {
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Cache-Control', 'no-cache');
  if (request.get('If-None-Match') === tag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', body.length);
  response.end(request.method === 'HEAD' ? undefined : body);
}
