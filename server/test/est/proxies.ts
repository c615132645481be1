import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EstServer } from './est-server.ts';

const OPS = join(import.meta.dirname, '../../../ops');

type Ports = { readonly tls: number; readonly plain: number };

/** A proxy that ends TLS, as `ops/` configures it. */
export type Proxy = {
  readonly program: string;
  start(server: EstServer, ports: Ports): ChildProcess;
};

const nginx: Proxy = {
  program: 'nginx',
  start(server, { tls, plain }) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${server.at(name)};`,
    );
    const adapted = readFileSync(join(OPS, 'nginx/authority.conf'), 'utf8')
      .replaceAll('/etc/licet/authority', server.at('server'))
      .replace('listen 443', `listen 127.0.0.1:${tls}`)
      .replace('listen 80', `listen 127.0.0.1:${plain}`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${server.port}`)
      .replace('\nhttp {', `\nhttp { access_log off; ${temporary.join(' ')}`);
    const main = `daemon off; master_process off; pid ${server.at('pid')}; error_log ${server.at('error.log')};\n`;
    const file = server.at('nginx.conf');
    writeFileSync(file, main + adapted);
    return started('nginx', ['-c', file, '-p', server.folder], ['-t']);
  },
};

const haproxy: Proxy = {
  program: 'haproxy',
  start(server, { tls, plain }) {
    const both = ['server.pem', 'server.key'].map((name) => readFileSync(server.at(name), 'utf8'));
    writeFileSync(server.at('authority.pem'), both.join('\n'));
    const adapted = readFileSync(join(OPS, 'haproxy/authority.cfg'), 'utf8')
      .replace('/etc/licet/authority.pem', server.at('authority.pem'))
      .replace('/etc/licet/roots.pem', server.at('root.pem'))
      .replace('bind :443', `bind 127.0.0.1:${tls}`)
      .replace('bind :80', `bind 127.0.0.1:${plain}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${server.port}`);
    writeFileSync(server.at('haproxy.cfg'), adapted);
    return started('haproxy', ['-f', server.at('haproxy.cfg')], ['-c']);
  },
};

export const PROXIES: readonly Proxy[] = [nginx, haproxy];

function started(program: string, args: readonly string[], check: readonly string[]): ChildProcess {
  const checked = spawnSync(program, [...check, ...args], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr + checked.stdout);
  return spawn(program, args, { stdio: 'ignore' });
}
