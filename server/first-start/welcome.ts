import { hash } from 'node:crypto';

export type Welcomed = {
  readonly address: string;
  readonly operations: string;
  /** Where /ca, /crl and /ocsp are over plain HTTP, when the public address is HTTPS. */
  readonly publishing: string | undefined;
  readonly data: string;
  /** DER. */
  readonly roots: readonly Uint8Array[];
  readonly isEvaluation: boolean;
  readonly fenced: string | undefined;
  /** The first owner's token, where nobody else could get in. */
  readonly owner: string | undefined;
};

/** For the person who typed `npm start`: where it is, and what to paste next. */
export function welcome(at: Welcomed): string {
  const { address, operations, publishing, data, roots, isEvaluation, fenced, owner } = at;
  const lines = [
    'Licet is ready.',
    '',
    `  serves       ${address}`,
    ...(publishing === undefined ? [] : [`  publishes    ${publishing}   (certificates, CRLs and OCSP, plain HTTP)`]),
    `  operations   ${operations}   (keep it private)`,
    `  data         ${data}`,
    ...roots.map((root) => `  root         SHA-256 ${fingerprint(root)}`),
    ...(owner === undefined ? [] : [`  owner token  ${owner}   (for 30 days; owner.token in data)`]),
    ...(isEvaluation ? WARNING : []),
    ...(fenced === undefined ? [] : ['', `FENCED: ${fenced} Until then nothing is issued, revoked or changed.`]),
    ...(roots.length === 0 ? NO_AUTHORITY : []),
    '',
    'Try it, in another terminal:',
    '',
    ...commands(at),
    '',
    'Every setting: docs/configuration.md        End with Ctrl-C',
  ];
  return `\n${lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}\n\n\n`;
}

const WARNING = [
  '',
  '**************************************************************************************',
  '*  EVALUATION: the root of this hierarchy is NOT OFFLINE. Its key lies on this very  *',
  '*  machine, and whoever has the machine can make licenses. Trust it for nothing, and *',
  '*  for production make a root by the ceremony:  licet ceremony root --help           *',
  '**************************************************************************************',
];

const NO_AUTHORITY = ['', 'There is no authority yet. Make one by the ceremony:  licet ceremony --help'];

function commands({ address, operations, publishing, roots }: Welcomed): string[] {
  const probes = [`  curl ${operations}/livez`, `  curl ${operations}/readyz`];
  const plain = publishing ?? address;
  if (roots.length === 0) return probes;
  const trust = address.startsWith('https:') ? '--cacert root.pem ' : '';
  const { host } = new URL(address);
  return [
    ...probes,
    `  curl -o root.pem ${plain}/ca/roots.pem`,
    '  openssl x509 -in root.pem -noout -subject -fingerprint -sha256   # as above?',
    `  curl ${trust}${address}/ca/bootstrap.json`,
    ...(trust === '' ? [] : [`  openssl s_client -connect ${host} -CAfile root.pem -verify_return_error </dev/null`]),
  ];
}

const fingerprint = (der: Uint8Array): string => hash('sha256', der, 'hex').toUpperCase().match(/../g)!.join(':');
