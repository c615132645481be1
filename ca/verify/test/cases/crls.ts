import { type Bytes, type DistributionPoint, extension, fromHex, type GeneralName } from '@licet/format';
import { AT, type CrlWish, type Made, ca, crl, flip, keyPair, leaf, name, revoke, root } from '../certificate-kit.ts';
import type { Case, Chain } from './case.ts';

const DAY = 86_400_000;
const directory = (text: string): GeneralName => ({ kind: 'directory', name: name(text) });
const uri = (value: string): GeneralName => ({ kind: 'uri', value });
const point = (names: GeneralName[], rest: Partial<DistributionPoint> = {}): DistributionPoint => ({
  point: { kind: 'full', names },
  reasons: undefined,
  crlIssuer: undefined,
  ...rest,
});
const scope = (value: Parameters<typeof extension.issuingDistributionPoint>[0]) =>
  extension.issuingDistributionPoint(value);
const shard = (n: number) => ({ kind: 'full' as const, names: [uri(`http://crl.example.com/${n}`)] });
const unknown = (critical: boolean) => ({ oid: '1.3.6.1.4.1.55738.666.1', critical, value: fromHex('0500') });

function listed(
  title: string,
  codes: Case['codes'],
  make: (anchor: Made, leaf: Made) => readonly Bytes[],
  wish = {},
): Case {
  const anchor = root();
  const below = leaf(anchor, { with: wish });
  return { name: `CRL: ${title}`, codes, chain: { anchors: [anchor], leaf: below, crls: make(anchor, below) } };
}

/** One CRL of the root, with something about it. */
const one = (title: string, codes: Case['codes'], wish: CrlWish, below = {}): Case =>
  listed(title, codes, (anchor) => [crl(anchor, wish)], below);

function belowCa(
  title: string,
  codes: Case['codes'],
  make: (anchor: Made, issuer: Made, leaf: Made) => readonly Bytes[],
): Case {
  const anchor = root();
  const issuer = ca(anchor);
  const below = leaf(issuer);
  const crls = make(anchor, issuer, below);
  return { name: `CRL: ${title}`, codes, chain: { anchors: [anchor], intermediates: [issuer], leaf: below, crls } };
}

/** A CA that signs certificates with one key and CRLs with another, both certified by the root. */
function keysApart(trusted: boolean): Chain {
  const anchor = root();
  const signing = ca(anchor, {
    subject: 'apart',
    key: keyPair(),
    with: { keyUsage: extension.keyUsage(['keyCertSign']) },
  });
  const lists = leaf(trusted ? anchor : root({ subject: 'root' }), {
    subject: 'apart',
    key: keyPair(),
    with: { keyUsage: extension.keyUsage(['cRLSign']), extendedKeyUsage: undefined, subjectAltName: undefined },
  });
  const below = leaf(signing);
  const crls = [crl(anchor), crl(lists, { entries: [] })];
  return { anchors: [anchor], intermediates: [signing, lists], leaf: below, crls };
}

/** A list of a CRL issuer of its own, with an entry for the leaf or for another CA's certificate of the same serial. */
function indirect(entryFor: 'nobody' | 'leaf' | 'namesake'): Chain {
  const anchor = root();
  const issuer = leaf(anchor, {
    subject: 'list issuer',
    key: keyPair(),
    with: { keyUsage: extension.keyUsage(['cRLSign']), extendedKeyUsage: undefined, subjectAltName: undefined },
  });
  const points = extension.crlDistributionPoints([
    point([directory('list')], { crlIssuer: [directory('list issuer')] }),
  ]);
  const below = leaf(anchor, { with: { points } });
  const certificateIssuer = [directory(entryFor === 'leaf' ? 'root' : 'another root')];
  const entries = entryFor === 'nobody' ? [] : [revoke(below, { certificateIssuer })];
  const extensions = [scope({ point: { kind: 'full', names: [directory('list')] }, indirect: true })];
  const crls = [crl(anchor), crl(issuer, { entries, extensions })];
  return { anchors: [anchor], intermediates: [issuer], leaf: below, crls };
}

const delta = (anchor: Made, base: number, number: number, wish: CrlWish = {}): Bytes =>
  crl(anchor, { number, from: new Date(AT.getTime() - DAY), extensions: [extension.deltaCrlIndicator(base)], ...wish });

/** OpenSSL looks for a delta only when the list points to one; we take what is there. */
const FRESHEST = extension.freshestCrl(['http://crl.example.com/delta']);

const PART: readonly ['keyCompromise', 'cACompromise'] = ['keyCompromise', 'cACompromise'];
const REST = [
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

/** RFC 5280 §5 and §6.3. */
export const CRL_CASES: readonly Case[] = [
  one('not listed', [], {}),
  listed('listed', ['REVOKED'], (anchor, below) => [crl(anchor, { entries: [revoke(below)] })]),
  listed('on hold', ['SUSPENDED'], (anchor, below) => [
    crl(anchor, { entries: [revoke(below, { reason: 'certificateHold' })] }),
  ]),
  listed('another serial listed', [], (anchor) => [crl(anchor, { entries: [revoke(root())] })]),
  listed('no CRL for it', ['STATUS_UNKNOWN'], () => [crl(root({ subject: 'other' }))]),
  one('out of date', ['STATUS_STALE'], { from: new Date(AT.getTime() - 2 * DAY), to: new Date(AT.getTime() - DAY) }),
  one('from the future', ['STATUS_UNKNOWN'], { from: new Date(AT.getTime() + DAY) }),
  one('without a number', ['STATUS_UNKNOWN'], { number: undefined }),
  one('without nextUpdate', ['STATUS_UNKNOWN'], { to: undefined }),
  one('with a critical number', ['STATUS_UNKNOWN'], { number: undefined, extensions: [flip(extension.crlNumber(7))] }),
  one('with an unknown critical extension', ['STATUS_UNKNOWN'], { extensions: [unknown(true)] }),
  one('with an unknown extension', [], { extensions: [unknown(false)] }),
  one('signed by another key', ['STATUS_UNKNOWN'], { signer: keyPair() }),
  listed('listed on a list that is out of date', ['REVOKED'], (anchor, below) => [
    crl(anchor, { entries: [revoke(below)], from: new Date(AT.getTime() - 2 * DAY), to: new Date(AT.getTime() - DAY) }),
  ]),
  one('only for CAs', ['STATUS_UNKNOWN'], { extensions: [scope({ onlyCaCertificates: true })] }),
  one('only for users', [], { extensions: [scope({ onlyUserCertificates: true })] }),
  one('only for attribute certificates', ['STATUS_UNKNOWN'], {
    extensions: [scope({ onlyAttributeCertificates: true })],
  }),
  one(
    'of the same shard',
    [],
    { extensions: [scope({ point: shard(1) })] },
    { points: extension.crlDistributionPoints(['http://crl.example.com/1']) },
  ),
  one(
    'of another shard',
    ['STATUS_UNKNOWN'],
    { extensions: [scope({ point: shard(2) })] },
    { points: extension.crlDistributionPoints(['http://crl.example.com/1']) },
  ),
  one('of a shard that it does not name', ['STATUS_UNKNOWN'], { extensions: [scope({ point: shard(2) })] }),
  one('non-critical scope', ['STATUS_UNKNOWN'], { extensions: [flip(scope({ onlyUserCertificates: true }))] }),
  one('for some reasons', ['STATUS_UNKNOWN'], { extensions: [scope({ onlySomeReasons: new Set(PART) })] }),
  listed('for some reasons, and for the others', [], (anchor) => [
    crl(anchor, { extensions: [scope({ onlySomeReasons: new Set(PART) })] }),
    crl(anchor, { extensions: [scope({ onlySomeReasons: new Set(REST) })] }),
  ]),
  listed('added by a delta', ['REVOKED'], (anchor, below) => [
    crl(anchor, { extensions: [FRESHEST] }),
    delta(anchor, 7, 8, { entries: [revoke(below)] }),
  ]),
  listed('taken off by a delta', [], (anchor, below) => [
    crl(anchor, { entries: [revoke(below, { reason: 'certificateHold' })], extensions: [FRESHEST] }),
    delta(anchor, 7, 8, { entries: [revoke(below, { reason: 'removeFromCRL' })] }),
  ]),
  listed('a delta of a newer base', [], (anchor, below) => [
    crl(anchor),
    delta(anchor, 8, 9, { entries: [revoke(below)] }),
  ]),
  listed('a delta alone', ['STATUS_UNKNOWN'], (anchor) => [delta(anchor, 7, 8)]),
  belowCa('every certificate of the path', [], (anchor, issuer) => [crl(anchor), crl(issuer)]),
  belowCa('revoked intermediate', ['ISSUER_REVOKED'], (anchor, issuer) => [
    crl(anchor, { entries: [revoke(issuer)] }),
    crl(issuer),
  ]),
  belowCa('nothing about the intermediate', ['STATUS_UNKNOWN'], (_, issuer) => [crl(issuer)]),
  belowCa('garbage beside good lists', [], (anchor, issuer) => [fromHex('deadbeef'), crl(anchor), crl(issuer)]),
  { name: 'CRL: keys apart', codes: [], chain: keysApart(true) },
  { name: 'CRL: keys apart, and the second not certified', codes: ['STATUS_UNKNOWN'], chain: keysApart(false) },
  { name: 'CRL: indirect, not listed', codes: [], chain: indirect('nobody') },
  { name: 'CRL: indirect, listed', codes: ['REVOKED'], chain: indirect('leaf') },
  { name: 'CRL: indirect, a namesake listed', codes: [], chain: indirect('namesake') },
  (() => {
    const anchor = root({ with: { keyUsage: extension.keyUsage(['keyCertSign']) } });
    const chain = { anchors: [anchor], leaf: leaf(anchor), crls: [crl(anchor)] };
    return { name: 'CRL: the issuer must not sign any', codes: ['STATUS_UNKNOWN' as const], chain };
  })(),
];
