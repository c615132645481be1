/**
 * Packs the certificates and CRLs of NIST PKITS into `pkits.json.gz`.
 *
 *     node ca/verify/test/data/make-pkits.ts <folder PKITS_data>
 *
 * The folder is in PKITS_data.zip of NIST's "Public Key Interoperability Test Suite", and in the package
 * cryptography-vectors of PyPI under x509/PKITS_data. PKITS is a work of the United States government and in the public
 * domain.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const source = process.argv[2];
if (source === undefined) throw new Error('usage: node make-pkits.ts <folder PKITS_data>');

function pack(folder: string, ending: string): Record<string, string> {
  const names = readdirSync(join(source!, folder)).filter((name) => name.endsWith(ending));
  const entries = names
    .sort()
    .map((name) => [name.slice(0, -ending.length), readFileSync(join(source!, folder, name))]);
  return Object.fromEntries(entries.map(([name, der]) => [name, der!.toString('base64')]));
}

const data = { certificates: pack('certs', '.crt'), crls: pack('crls', '.crl') };
writeFileSync(join(import.meta.dirname, 'pkits.json.gz'), gzipSync(JSON.stringify(data), { level: 9 }));
