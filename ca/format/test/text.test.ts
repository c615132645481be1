import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import {
  decodeCertsOnly,
  decodePem,
  encodeCertsOnly,
  encodePem,
  fromBase64,
  fromBase64Url,
  fromHex,
  parseSerial,
  toBase64,
  toBase64Url,
  toHex,
  type FormatCode,
  type FormatError,
} from '@licet/format';
import { certificate, hex, refuses } from './build.ts';
import { SEEDS } from './mutants.ts';

const octets = fc.uint8Array({ maxLength: 200 });

describe('the serial number of a certificate', () => {
  it('is read as any program prints it, and is as it stands in the certificate', () => {
    const cases: [string, string | undefined][] = [
      ['01f3a8', '01f3a8'],
      ['01F3A8', '01f3a8'],
      ['01:f3:A8', '01f3a8'],
      ['01 f3 a8', '01f3a8'],
      ['1:f3:a8', '01f3a8'],
      ['0x1F3a8', '01f3a8'],
      ['serial=01F3A8', '01f3a8'],
      ['0001f3a8', '01f3a8'],
      ['F3A8', '00f3a8'],
      ['00f3a8', '00f3a8'],
      ['0', '00'],
      ['7f'.repeat(20), '7f'.repeat(20)],
    ];
    for (const [printed, serial] of cases) assert.equal(parseSerial(printed), serial, printed);
  });

  it('is nothing else, and has at most 20 octets, RFC 5280 §4.1.2.2', () => {
    for (const text of [
      '',
      '0x',
      'serial=',
      '01:f',
      '01::f3',
      ':01',
      '01f3g8',
      '01f3\n',
      '01'.repeat(21),
      '80'.repeat(20),
    ])
      assert.equal(parseSerial(text), undefined, text);
  });

  it('is that of openssl', async function () {
    requireTool(this, 'openssl');
    for (const serial of ['01f3a8', '00f3a8', '0a']) {
      const input = certificate({ serial: hex(serial) });
      const asked = ['x509', '-inform', 'der', '-noout', '-serial'];
      const printed = execFileSync('openssl', asked, { input, encoding: 'utf8' }).trim();
      assert.equal(parseSerial(printed), serial, printed);
    }
  });
});

describe('base64 and hexadecimal, RFC 4648', () => {
  it('are what Node writes, and are read back', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        const buffer = Buffer.from(bytes);
        assert.equal(toHex(bytes), buffer.toString('hex'));
        assert.equal(toBase64(bytes), buffer.toString('base64'));
        assert.equal(toBase64Url(bytes), buffer.toString('base64url'));
        assert.deepEqual(fromHex(toHex(bytes)), bytes);
        assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
        assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
      }),
    );
  });

  it('have one text for each value', () => {
    const text = fc.string({ unit: fc.constantFrom('A', 'B', '/', '+', '-', '_', '=', '9', ' '), maxLength: 9 });
    const readable = (read: () => Uint8Array): Uint8Array | undefined => {
      try {
        return read();
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(text, (value) => {
        const standard = readable(() => fromBase64(value));
        if (standard !== undefined) assert.equal(toBase64(standard), value);
        const url = readable(() => fromBase64Url(value));
        if (url !== undefined) assert.equal(toBase64Url(url), value);
      }),
      { numRuns: 2_000 },
    );
  });

  it('mean the same in lines as in one piece', () => {
    const unit = fc.constantFrom('A', 'B', '/', '-', '=', '\u0141', '\n', 'A'.repeat(63), `${'A'.repeat(64)}\n`);
    const value = (text: string, form: 'strict' | 'lenient') => {
      try {
        return toHex(fromBase64(text, form));
      } catch (error) {
        return (error as FormatError).code;
      }
    };
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 9 }), (text) => {
        assert.equal(value(text, 'lenient'), value(text.replaceAll('\n', ''), 'strict'));
      }),
      { numRuns: 2_000 },
    );
  });

  for (const text of [
    'A',
    'AA',
    'AAA',
    'AA=',
    'AA==A',
    'AAA==',
    'AB==',
    'AAB=',
    '=',
    '====',
    'AA==AA==',
    'AA AA',
    'A-_A',
    'ÄAAA',
    '\u0141AAA',
    'AAA\n',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => refuses(() => fromBase64(text), 'TEXT_INVALID'));
  }

  it('skips white space only when asked', () => {
    assert.deepEqual(fromBase64(' AQID\r\n\tBA = =\n', 'lenient'), hex('01020304'));
    refuses(() => fromBase64('AQ!D', 'lenient'), 'TEXT_INVALID');
  });

  it('refuses digits that are none', () => {
    for (const text of ['0', '0g', ' 00', '0x00']) refuses(() => fromHex(text), 'TEXT_INVALID');
  });
});

describe('PEM, RFC 7468', () => {
  const block = encodePem('CERTIFICATE', hex('3000'));

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 }), (all) => {
        const text = all.map((bytes) => encodePem('X509 CRL', bytes)).join('');
        assert.deepEqual(
          decodePem(text, 'X509 CRL').map(({ bytes }) => bytes),
          all,
        );
      }),
    );
  });

  it('is what openssl writes', function () {
    requireTool(this, 'openssl');
    const input = SEEDS.find(({ name }) => name === 'certificate-license.der')!.bytes;
    const text = execFileSync('openssl', ['x509', '-inform', 'DER'], { input }).toString();
    assert.equal(encodePem('CERTIFICATE', input), text);
  });

  const readable: [name: string, text: string][] = [
    ['text around a block', `Subject: CN = x\n${block}\nthe end\n`],
    ['line ends of other systems', block.replaceAll('\n', '\r\n')],
    ['a missing last line end', block.trimEnd()],
    ['white space within', block.replace('MAAA', ' M A\n\nAA ').replace('MAA=', ' MA\n\nA= ')],
    ['indented lines', block.replaceAll(/^/gm, '  ')],
  ];
  for (const [name, text] of readable) {
    it(`reads ${name}`, () => assert.deepEqual(decodePem(text), [{ label: 'CERTIFICATE', bytes: hex('3000') }]));
  }

  const refused: [name: string, text: string, code: FormatCode, path: string][] = [
    ['nothing', '', 'PEM_INVALID', 'pem'],
    ['text without a block', 'hello', 'PEM_INVALID', 'pem'],
    ['a block without an end', block.replace(/-----END.*/, ''), 'PEM_INVALID', 'pem[0]'],
    ['another label at the end', block.replace('END CERTIFICATE', 'END X509 CRL'), 'PEM_INVALID', 'pem[0]'],
    ['an end without a beginning', block.replace(/-----BEGIN.*\n/, ''), 'PEM_INVALID', 'pem[0]'],
    ['a header', block.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'), 'PEM_INVALID', 'pem[0]'],
    ['a block within a block', block.replace('\n', `\n${block}`), 'PEM_INVALID', 'pem[0]'],
    ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', 'PEM_INVALID', 'pem[0]'],
    ['a character that is no base64', block.replace('MAA', 'M*A'), 'PEM_INVALID', 'pem[0]'],
    [
      'a broken second block',
      `${block}-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n`,
      'PEM_INVALID',
      'pem[1]',
    ],
    ['a label without end', `-----BEGIN ${'A'.repeat(5_000_000)}-----\n`, 'PEM_INVALID', 'pem[0]'],
    ['an empty label', block.replaceAll(' CERTIFICATE', ' '), 'PEM_INVALID', 'pem[0]'],
  ];
  for (const [name, text, code, path] of refused)
    it(`refuses ${name}`, () => refuses(() => decodePem(text), code, path));

  it('refuses another label than the one asked for', () => {
    const text = block + encodePem('PRIVATE KEY', hex('3000'));
    refuses(() => decodePem(text, 'CERTIFICATE'), 'PEM_INVALID', 'pem[1]');
    assert.equal(decodePem(text).length, 2);
  });

  it('reads 10,000 blocks and no more', () => {
    assert.equal(decodePem(block.repeat(10_000)).length, 10_000);
    refuses(() => decodePem(block.repeat(10_001)), 'PEM_INVALID', 'pem[10000]');
  });
});

describe('certs-only CMS, RFC 5652 §5', () => {
  it('gives back the certificates in their order', () => {
    for (const count of [0, 1, 3]) {
      const all = Array.from({ length: count }, (_, i) => certificate({ serial: Uint8Array.of(9 - i) }));
      assert.deepEqual(decodeCertsOnly(encodeCertsOnly(all)), all);
    }
  });

  it('refuses BER, which CMS allows and we do not', () => {
    const message = encodeCertsOnly([]);
    const indefinite = Uint8Array.of(0x30, 0x80, ...message.subarray(2), 0, 0);
    refuses(() => decodeCertsOnly(indefinite), 'DER_LENGTH', 'cms');
  });

  it('is what openssl writes for one certificate, and what it reads', function () {
    requireTool(this, 'openssl');
    const der = SEEDS.find(({ name }) => name === 'certificate-license.der')!.bytes;
    const pem = encodePem('CERTIFICATE', der);
    const folder = mkdtempSync(join(tmpdir(), 'licet-cms-'));
    try {
      writeFileSync(join(folder, 'chain.pem'), pem);
      const args = ['crl2pkcs7', '-nocrl', '-certfile', 'chain.pem', '-outform', 'DER'];
      assert.deepEqual(decodeCertsOnly(new Uint8Array(execFileSync('openssl', args, { cwd: folder }))), [der]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const listed = execFileSync('openssl', ['pkcs7', '-inform', 'DER', '-print_certs'], {
      input: encodeCertsOnly([der]),
    });
    assert.ok(listed.toString().includes(pem.trim()));
  });
});
