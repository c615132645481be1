import { type GeneralName, type NameConstraints, createName, extension, OID } from '@licet/format';
import { AT, type Made, anyKey, ca, dns, keyPair, leaf, name, root } from '../certificate-kit.ts';
import type { Case, Chain } from './case.ts';

const san = (...names: GeneralName[]) => ({ subjectAltName: extension.subjectAltName(names) });
const email = (value: string): GeneralName => ({ kind: 'email', value });
const uri = (value: string): GeneralName => ({ kind: 'uri', value });
const ip = (...bytes: number[]): GeneralName => ({ kind: 'ip', bytes: Uint8Array.from(bytes) });
const directory = (text: string): GeneralName => ({ kind: 'directory', name: name(text) });

/** root → CA with these constraints → leaf with these names. */
function constrained(
  title: string,
  allowed: boolean | 'malformed',
  constraints: Partial<NameConstraints>,
  names: GeneralName[],
  subject = 'subject',
): Case {
  const anchor = root();
  const issuer = ca(anchor, { with: { nameConstraints: extension.nameConstraints(constraints) } });
  const codes =
    allowed === 'malformed' ? ['PROFILE_VIOLATION', 'NAME_NOT_PERMITTED'] : allowed ? [] : ['NAME_NOT_PERMITTED'];
  const chain = { anchors: [anchor], intermediates: [issuer], leaf: leaf(issuer, { subject, with: san(...names) }) };
  return { name: `constraints: ${title}`, codes: codes as Case['codes'], chain };
}

/** A constraint that the decoder refuses: then the CA is as good as absent. */
function unreadable(title: string, constraints: Partial<NameConstraints>, names: GeneralName[]): Case {
  return { ...constrained(title, true, constraints, names), codes: ['CHAIN_INCOMPLETE', 'MALFORMED'] };
}

function requested(title: string, matches: boolean, names: GeneralName[], wanted: Chain['options']): Case {
  const anchor = root();
  const chain = {
    anchors: [anchor],
    leaf: leaf(anchor, { subject: 'example.com', with: san(...names) }),
    options: wanted!,
  };
  return { name: `name: ${title}`, codes: matches ? [] : ['NAME_MISMATCH'], chain };
}

const wants = (kind: 'dns' | 'ip' | 'email' | 'uri', value: string) => ({ names: [{ kind, value }] });

export const NAME_CASES: readonly Case[] = [
  constrained('permitted DNS name', true, { permitted: [dns('example.com')] }, [dns('example.com')]),
  constrained('permitted DNS subdomain', true, { permitted: [dns('example.com')] }, [dns('a.b.example.com')]),
  constrained('DNS name outside', false, { permitted: [dns('example.com')] }, [dns('not-example.com')]),
  constrained('excluded DNS name', false, { excluded: [dns('example.com')] }, [dns('example.com')]),
  constrained('second name excluded', false, { excluded: [dns('no.example.com')] }, [
    dns('example.com'),
    dns('no.example.com'),
  ]),
  constrained('excluded wins', false, { permitted: [dns('example.com')], excluded: [dns('example.com')] }, [
    dns('example.com'),
  ]),
  constrained('wildcard that covers an excluded name', false, { excluded: [dns('no.example.com')] }, [
    dns('*.example.com'),
  ]),
  constrained('wildcard wider than permitted', false, { permitted: [dns('a.example.com')] }, [dns('*.example.com')]),
  constrained('constraint of another form', true, { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [
    dns('example.com'),
  ]),
  constrained('permitted address', true, { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [ip(192, 0, 2, 9)]),
  constrained('address outside', false, { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [ip(192, 0, 3, 1)]),
  constrained('address excluded', false, { excluded: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [ip(192, 0, 2, 1)]),
  unreadable('mask with a hole', { permitted: [ip(192, 0, 2, 0, 255, 0, 255, 0)] }, [ip(192, 0, 2, 1)]),
  constrained('DNS constraint with a wildcard', 'malformed', { permitted: [dns('*.example.com')] }, [
    dns('a.example.com'),
  ]),
  constrained('DNS constraint with a leading period', 'malformed', { permitted: [dns('.example.com')] }, [
    dns('a.example.com'),
  ]),
  constrained('malformed e-mail constraint', 'malformed', { permitted: [email('a@b@example.com')] }, [
    email('a@example.com'),
  ]),
  constrained('permitted mailbox', true, { permitted: [email('a@example.com')] }, [email('a@example.com')]),
  constrained('mailbox in another case', false, { permitted: [email('a@example.com')] }, [email('A@example.com')]),
  constrained('mailbox on a permitted host', true, { permitted: [email('example.com')] }, [email('a@EXAMPLE.com')]),
  constrained('mailbox on a host below', false, { permitted: [email('example.com')] }, [email('a@b.example.com')]),
  constrained('mailbox in a permitted domain', true, { permitted: [email('.example.com')] }, [
    email('a@b.example.com'),
  ]),
  constrained('URI host permitted', true, { permitted: [uri('example.com')] }, [uri('https://u@EXAMPLE.com:8443/x')]),
  constrained('URI host outside', false, { permitted: [uri('example.com')] }, [uri('https://a.example.com/')]),
  constrained('URI host below a domain', true, { permitted: [uri('.example.com')] }, [
    uri('license://a.example.com/site'),
  ]),
  constrained('URI without a host', false, { excluded: [uri('example.com')] }, [uri('urn:example:1')]),
  constrained('directory name permitted', true, { permitted: [directory('foo')] }, [directory('FOO ')], 'foo'),
  constrained('directory name outside', false, { permitted: [directory('foo')] }, [directory('bar')], 'foo'),
  constrained('subject outside', false, { permitted: [directory('foo')] }, [directory('foo')], 'bar'),
  constrained('subject excluded', false, { excluded: [directory('foo')] }, [directory('bar')], 'foo'),
  requested('exact', true, [dns('example.com')], wants('dns', 'EXAMPLE.com')),
  requested('another domain', false, [dns('example.com')], wants('dns', 'example2.com')),
  requested('a subdomain of it', false, [dns('example.com')], wants('dns', 'abc.example.com')),
  requested('wildcard', true, [dns('*.example.com')], wants('dns', 'foo.example.com')),
  requested('wildcard over two labels', false, [dns('*.example.com')], wants('dns', 'foo.bar.example.com')),
  requested('wildcard and the domain itself', false, [dns('*.example.com')], wants('dns', 'example.com')),
  requested('address as address', true, [ip(127, 0, 0, 1)], wants('ip', '127.0.0.1')),
  requested('address as DNS name', false, [dns('example.com')], wants('dns', '127.0.0.1')),
  requested('address of version 6', true, [ip(...Array.from({ length: 15 }, () => 0), 1)], wants('ip', '::1')),
  requested('mailbox', true, [email('a@example.com')], wants('email', 'a@EXAMPLE.com')),
  requested('another mailbox', false, [email('a@example.com')], wants('email', 'b@example.com')),
  requested('common name only', false, [email('a@example.com')], wants('dns', 'example.com')),
];

const bad = (title: string, value: string): Case => {
  const anchor = root();
  return {
    name: `alternative name: ${title}`,
    codes: ['PROFILE_VIOLATION'],
    chain: { anchors: [anchor], leaf: leaf(anchor, { with: san(dns(value)) }) },
  };
};

export const MALFORMED_NAME_CASES: readonly Case[] = [
  bad('wildcard inside a label', 'ba*.example.com'),
  bad('wildcard that is not the first label', 'foo.*.example.com'),
  bad('wildcard over a top-level domain', '*.com'),
  bad('underscore', 'a_b.example.com'),
  bad('leading period', '.example.com'),
  bad('a space', ' '),
];

function chainOf(title: string, codes: Case['codes'], chain: Chain): Case {
  return { name: `path: ${title}`, codes, chain };
}

/** root → CA → CA → … → leaf, with these path lengths. */
function lengths(title: string, codes: Case['codes'], ...pathLengths: (number | undefined)[]): Case {
  const anchor = root();
  const issuers: Made[] = [];
  for (const pathLength of pathLengths) {
    issuers.push(ca(issuers.at(-1) ?? anchor, pathLength === undefined ? {} : { pathLength }));
  }
  return chainOf(title, codes, { anchors: [anchor], intermediates: issuers, leaf: leaf(issuers.at(-1) ?? anchor) });
}

function selfIssued(): Chain {
  const anchor = root();
  const first = ca(anchor, { subject: 'twice', pathLength: 1, key: keyPair() });
  const second = ca(first, { subject: 'twice', pathLength: 1, key: keyPair() });
  const third = ca(second, { pathLength: 0 });
  return { anchors: [anchor], intermediates: [first, second, third], leaf: leaf(third) };
}

/** Two CAs that certify each other, and no anchor above them. */
function loop(): Chain {
  const one = { name: name('one'), key: keyPair() };
  const two = { name: name('two'), key: keyPair() };
  const first = ca({ ...two, der: new Uint8Array(), serial: new Uint8Array() }, { subject: one.name, key: one.key });
  const second = ca({ ...one, der: new Uint8Array(), serial: new Uint8Array() }, { subject: two.name, key: two.key });
  return { anchors: [root()], intermediates: [first, second], leaf: leaf(first) };
}

/** The AddTrust affair: a root of today that also has an expired certificate of an older root. */
function chainOfPain(): Chain {
  const old = root({ subject: 'old root' });
  const key = keyPair();
  const today = root({ subject: 'today', key });
  const from = new Date(AT.getTime() - 9e10);
  const cross = ca(old, { subject: 'today', key, from, to: new Date(AT.getTime() - 8e10) });
  return { anchors: [today, old], intermediates: [cross], leaf: leaf(today) };
}

/** The intermediate before and after a change of keys, the wrong one first. */
function changeOfKeys(): Chain {
  const anchor = root();
  const before = ca(anchor, { subject: 'same', key: keyPair() });
  const after = ca(anchor, { subject: 'same', key: keyPair() });
  return { anchors: [anchor], intermediates: [before, after], leaf: leaf(after) };
}

const foreign = root({ subject: 'foreign' });
const alone = root();
const middle = ca(alone);
const limited = (purposes: string[]): Chain => {
  const anchor = root();
  const issuer = ca(anchor, { with: { extendedKeyUsage: extension.extendedKeyUsage(purposes) } });
  return { anchors: [anchor], intermediates: [issuer], leaf: leaf(issuer) };
};
const purposes = (
  oids: string[] | undefined,
  usage: Parameters<typeof extension.keyUsage>[0] = ['digitalSignature'],
): Chain => {
  const anchor = root();
  const extendedKeyUsage = oids && extension.extendedKeyUsage(oids);
  return { anchors: [anchor], leaf: leaf(anchor, { with: { extendedKeyUsage, keyUsage: extension.keyUsage(usage) } }) };
};
const policy = (below: string[] | undefined, options: Chain['options']): Chain => {
  const anchor = root();
  const issuer = ca(anchor, { with: { policies: extension.certificatePolicies(['1.2.3.1']) } });
  const policies = below && extension.certificatePolicies(below);
  return { anchors: [anchor], intermediates: [issuer], leaf: leaf(issuer, { with: { policies } }), options: options! };
};

export const PATH_CASES: readonly Case[] = [
  lengths('path length 0 and a leaf', [], 0),
  lengths('path lengths that fit', [], 2, 1, 0),
  lengths('path length that grows again', [], 1, 2),
  lengths('path length 0 and another CA', ['PATH_TOO_LONG'], 0, undefined),
  lengths('the second path length is broken', ['PATH_TOO_LONG'], 1, 0, 0),
  lengths('as deep as is allowed', [], ...Array.from({ length: 8 }, () => undefined)),
  chainOf('self-issued certificates do not count', [], selfIssued()),
  chainOf('a loop below no anchor', ['CHAIN_INCOMPLETE'], loop()),
  chainOf('an expired cross-certificate beside a good root', [], chainOfPain()),
  chainOf('two intermediates of one name', [], changeOfKeys()),
  chainOf('a root that nobody trusts', ['ROOT_UNTRUSTED'], {
    anchors: [foreign],
    intermediates: [alone],
    leaf: leaf(alone),
  }),
  chainOf('an issuer that is missing', ['CHAIN_INCOMPLETE'], { anchors: [alone], leaf: leaf(middle) }),
  chainOf('no anchors at all', ['ROOT_UNTRUSTED'], { anchors: [], intermediates: [alone], leaf: leaf(alone) }),
  chainOf('an issuer for this purpose', [], limited([OID.serverAuth])),
  chainOf('an issuer for another purpose', ['USAGE_INVALID'], limited([OID.clientAuth])),
  chainOf('a leaf for another purpose', ['USAGE_INVALID'], purposes([OID.clientAuth])),
  chainOf('a leaf for any purpose', ['USAGE_INVALID'], purposes([OID.anyExtendedKeyUsage])),
  chainOf('a leaf that says no purpose', [], purposes(undefined)),
  chainOf(
    'a key usage that does not go with the purpose',
    ['USAGE_INVALID'],
    purposes([OID.serverAuth], ['dataEncipherment']),
  ),
  chainOf('an explicit policy that holds', [], policy(['1.2.3.1'], { policies: { requireExplicit: true } })),
  chainOf(
    'an explicit policy that does not',
    ['POLICY_NOT_SATISFIED'],
    policy(undefined, { policies: { requireExplicit: true } }),
  ),
  chainOf(
    'another policy than the caller wants',
    ['POLICY_NOT_SATISFIED'],
    policy(['1.2.3.1'], { policies: { requireExplicit: true, initial: ['1.2.3.9'] } }),
  ),
];

/** The subject's e-mail address is constrained when there is no alternative name (§4.2.1.10). */
export const LEGACY_MAIL_CASE: Case = (() => {
  const anchor = root();
  const constraints = extension.nameConstraints({ permitted: [email('example.com')] });
  const issuer = ca(anchor, { key: anyKey(), with: { nameConstraints: constraints } });
  const subject = createName([{ type: 'emailAddress', value: 'a@example.org' }]);
  const chain = {
    anchors: [anchor],
    intermediates: [issuer],
    leaf: leaf(issuer, { subject, with: { subjectAltName: undefined } }),
  };
  return { name: 'constraints: mailbox in the subject', codes: ['NAME_NOT_PERMITTED'], chain };
})();
