import assert from 'node:assert/strict';
import {
  type Certificate,
  createName,
  decodeCertificate,
  encodeCertificate,
  encodeTbsCertificate,
  extension,
  OID,
  type RawExtension,
  type TbsCertificateFields,
} from '@licet/format';
import type { IssuerGeneration } from '../issuer-generation.ts';
import { findings } from '../lint.ts';
import { prepare } from '../prepare.ts';
import type { LintContext } from '../rules/rule.ts';
import { PLACEHOLDERS, SIGNATURE_ALGORITHMS } from '../signatures.ts';
import { claims, makeCsr, PROFILES, START, Workshop } from './workshop.ts';

const HOUR = 3_600_000;

describe('our own lint', () => {
  const shop = new Workshop();
  let site: Certificate;
  let siteContext: LintContext;
  let ca: Certificate;
  let caContext: LintContext;
  before(async () => {
    const { organization, enterprise } = await shop.hierarchy();
    site = prepare(shop.siteRequest(enterprise, { key: { csr: makeCsr() } }), {
      now: START,
      random: shop.random,
    }).preview;
    siteContext = contextOf('site', enterprise, { organization: 'acme', enterprise: 'globex', commonName: 'plant-7' });
    ca = enterprise.certificate!;
    caContext = contextOf('enterprise', organization, {
      organization: 'acme',
      enterprise: 'globex',
      commonName: 'Acme enterprise CA',
    });
  });

  function contextOf(
    profile: 'site' | 'enterprise',
    issuer: IssuerGeneration,
    subject: LintContext['subject'],
  ): LintContext {
    const alternativeNames =
      profile === 'site' ? [{ kind: 'uri' as const, value: 'license://globex.acme/plant-7' }] : [];
    return { profile: PROFILES[profile], issuer, subject, alternativeNames, claims: claims() };
  }

  /** The same certificate with something changed, read back from its bytes. */
  function rebuilt(from: Certificate, change: Partial<TbsCertificateFields>): Certificate {
    const fields = { ...from, extensions: from.extensions.all, ...change };
    const { signatureAlgorithm } = fields;
    return decodeCertificate(
      encodeCertificate(encodeTbsCertificate(fields), signatureAlgorithm, PLACEHOLDERS['P-256']),
    );
  }
  const replaced = (from: Certificate, made: RawExtension) => ({
    extensions: from.extensions.all.map((each) => (each.oid === made.oid ? made : each)),
  });
  const without = (from: Certificate, oid: string) => ({
    extensions: from.extensions.all.filter((each) => each.oid !== oid),
  });

  it('finds nothing in what we prepare', () => {
    assert.deepEqual(findings(rebuilt(site, {}), siteContext), []);
    assert.deepEqual(findings(rebuilt(ca, {}), caContext), []);
  });

  const bad: {
    name: string;
    section: string;
    of?: 'ca';
    change: (from: Certificate) => Partial<TbsCertificateFields>;
  }[] = [
    {
      name: 'a serial of 8 octets',
      section: '4.1.2.2',
      change: () => ({ serial: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }),
    },
    {
      name: 'a negative serial',
      section: '4.1.2.2',
      change: ({ serial }) => ({ serial: Uint8Array.of(0x81, ...serial.subarray(1)) }),
    },
    {
      name: 'the algorithm of another key',
      section: '4.1.1.2',
      change: () => ({ signatureAlgorithm: { raw: SIGNATURE_ALGORITHMS['P-384'] } }),
    },
    {
      name: 'an issuer in another spelling',
      section: '4.1.2.4',
      change: () => ({ issuer: createName([{ type: 'organizationName', value: 'ACME' }]) }),
    },
    {
      name: 'a second too long a life',
      section: '4.1.2.5',
      change: ({ notAfter }) => ({ notAfter: new Date(notAfter.getTime() + 1000) }),
    },
    {
      name: 'an end before the beginning',
      section: '4.1.2.5',
      change: ({ notBefore }) => ({ notAfter: new Date(notBefore.getTime() - HOUR) }),
    },
    {
      name: 'a beginning before the issuer’s',
      section: '4.1.2.5',
      change: ({ notBefore, notAfter }) => ({
        notBefore: new Date(notBefore.getTime() - HOUR),
        notAfter: new Date(notAfter.getTime() - HOUR),
      }),
    },
    { name: 'an empty subject', section: '4.1.2.6', change: () => ({ subject: createName([]) }) },
    {
      name: 'an e-mail address in the subject',
      section: '4.1.2.6',
      change: () => ({
        subject: createName([
          { type: 'organizationName', value: 'acme' },
          { type: 'emailAddress', value: 'a@b.example' },
        ]),
      }),
    },
    {
      name: 'a common name of 65 characters',
      section: 'A.1',
      change: () => ({
        subject: createName([
          { type: 'organizationName', value: 'acme' },
          { type: 'commonName', value: 'x'.repeat(65) },
        ]),
      }),
    },
    {
      name: 'no authority key identifier',
      section: '4.2.1.1',
      change: (from) => without(from, OID.authorityKeyIdentifier),
    },
    {
      name: 'the key identifier of another issuer',
      section: '4.2.1.1',
      change: (from) => replaced(from, extension.authorityKeyIdentifier({ keyIdentifier: new Uint8Array(20) })),
    },
    {
      name: 'the key identifier of another key',
      section: '4.2.1.2',
      change: (from) => replaced(from, extension.subjectKeyIdentifier(new Uint8Array(20))),
    },
    {
      name: 'the right to sign certificates',
      section: '4.2.1.3',
      change: (from) => replaced(from, extension.keyUsage(['digitalSignature', 'keyCertSign'])),
    },
    {
      name: 'another policy',
      section: '4.2.1.4',
      change: (from) => replaced(from, extension.certificatePolicies([OID.anyPolicy])),
    },
    {
      name: 'the name of another site',
      section: '4.2.1.6',
      change: (from) =>
        replaced(from, extension.subjectAltName([{ kind: 'uri', value: 'license://globex.acme/plant-8' }])),
    },
    {
      name: 'a leaf that is a CA',
      section: '4.2.1.9',
      change: (from) => replaced(from, extension.basicConstraints({ ca: true, pathLength: 0 })),
    },
    {
      name: 'any purpose',
      section: '4.2.1.12',
      change: (from) => replaced(from, extension.extendedKeyUsage([OID.anyExtendedKeyUsage])),
    },
    {
      name: 'the CRL of another shard',
      section: '4.2.1.13',
      change: (from) => replaced(from, extension.crlDistributionPoints(['http://pki.acme.example/other.crl'])),
    },
    { name: 'no CRL', section: '4.2.1.13', change: (from) => without(from, OID.crlDistributionPoints) },
    {
      name: 'the addresses of another issuer',
      section: '4.2.2.1',
      change: (from) =>
        replaced(
          from,
          extension.authorityInfoAccess([
            { method: OID.accessOcsp, location: { kind: 'uri', value: 'http://evil.example' } },
          ]),
        ),
    },
    {
      name: 'an extension that nobody asked for',
      section: '4.2',
      change: ({ extensions }) => ({ extensions: [...extensions.all, extension.ocspNoCheck()] }),
    },
    {
      name: 'critical claims',
      section: '4.2',
      change: ({ extensions }) => ({
        extensions: extensions.all.map((each) => ({
          ...each,
          critical: each.critical || each.oid === OID.licenseClaims,
        })),
      }),
    },
    {
      name: 'a key usage that may be ignored',
      section: '4.2',
      change: ({ extensions }) => ({
        extensions: extensions.all.map((each) => ({ ...each, critical: each.critical && each.oid !== OID.keyUsage })),
      }),
    },
    {
      name: 'a CA without a path length',
      of: 'ca',
      section: '4.2.1.9',
      change: (from) => replaced(from, extension.basicConstraints({ ca: true })),
    },
    {
      name: 'a CA with the subtree of another enterprise',
      of: 'ca',
      section: '4.2.1.10',
      change: (from) =>
        replaced(from, extension.nameConstraints({ permitted: [{ kind: 'uri', value: 'initech.acme' }] })),
    },
    {
      name: 'a CA without constraints',
      of: 'ca',
      section: '4.2.1.10',
      change: (from) => without(from, OID.nameConstraints),
    },
  ];
  for (const { name, section, of, change } of bad) {
    it(`finds ${name} (RFC 5280 §${section})`, () => {
      const [from, context] = of === 'ca' ? [ca, caContext] : [site, siteContext];
      const found = findings(rebuilt(from, change(from)), context);
      assert.ok(
        found.some(
          (each) => each.startsWith(`RFC 5280 §${section}:`) || each.startsWith(`RFC 5280 appendix ${section}:`),
        ),
        found.join('\n'),
      );
    });
  }

  it('finds claims that are missing, or that the issuer does not have', () => {
    const missing = findings(rebuilt(site, without(site, OID.licenseClaims)), siteContext);
    assert.ok(
      missing.some((each) => each.startsWith('claims:')),
      missing.join('\n'),
    );
    const poor = {
      ...siteContext,
      issuer: Object.create(siteContext.issuer, {
        claims: { value: claims({ features: ['press'] }) },
      }) as IssuerGeneration,
    };
    assert.deepEqual(findings(site, poor), ['claims: features: "press/remote" is not granted above']);
  });
});
