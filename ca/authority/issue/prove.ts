import {
  type Bytes,
  type Certificate,
  decodeCertificate,
  encodeCertificate,
  equalBytes,
  FormatError,
} from '@licet/format';
import { type PathResult, TrustAnchors, verifyPathSync } from '@licet/verify';
import { AuthorityError } from '../errors.ts';
import type { IssuerGeneration } from './issuer-generation.ts';
import { SIGNATURE_ALGORITHMS } from './signatures.ts';

/**
 * Puts the signature to the bytes and shows that the result is what was recorded: its signed part is the recorded one
 * byte for byte, and the verifier that our customers embed accepts it under the issuer's chain. What does not pass
 * never leaves.
 *
 * `preview` is what `prepare` read back from these very bytes with a placeholder for the signature; whoever has none
 * (recovery) leaves it out, and the result is read from its first byte to its last.
 */
export function prove(tbs: Bytes, signature: Bytes, issuer: IssuerGeneration, at: Date, preview?: Certificate): Bytes {
  const der = encodeCertificate(tbs, { raw: SIGNATURE_ALGORITHMS[issuer.algorithm] }, signature);
  const certificate = preview === undefined ? decode(der) : { ...preview, der, signature };
  if (!equalBytes(certificate.tbs, tbs)) throw failed('the signed bytes are not the recorded ones');
  expect(
    verifyPathSync(certificate, { intermediates: [], anchors: anchorFor(issuer, certificate), at }),
    'the certificate',
  );
  return der;
}

const anchors = new WeakMap<IssuerGeneration, TrustAnchors>();

/**
 * RFC 5280 §4.1.2.5 has no later date. That all above were valid was asked by `validityOf` before anything was signed;
 * who completes an order of the past may find a younger certificate of the same key here.
 */
const AT_ALL_TIMES = { from: new Date(0), to: new Date('9999-12-31T23:59:59Z') };

/**
 * The path from the issuer up is verified once for each key generation, to the root, at the first moment at which all of
 * it is valid. From then on the issuer is itself the anchor, held to the constraints of its certificate and not to its
 * dates.
 */
function anchorFor(issuer: IssuerGeneration, certificate: Certificate): TrustAnchors {
  const own = issuer.certificate;
  if (own === undefined) return TrustAnchors.fromDer([certificate.der]);
  let anchor = anchors.get(issuer);
  if (anchor === undefined) {
    const root = issuer.chain.at(-1)!;
    const intermediates = issuer.chain.slice(1, -1).map(({ der }) => der);
    const at = new Date(Math.max(...issuer.chain.map(({ notBefore }) => notBefore.getTime())));
    expect(verifyPathSync(own, { intermediates, anchors: [root.der], at }), 'the chain of its issuer');
    const { nameConstraints, basicConstraints } = own.extensions;
    anchor = TrustAnchors.fromDer([own.der], {
      validity: AT_ALL_TIMES,
      constraints: {
        ...(nameConstraints !== undefined && { names: nameConstraints }),
        ...(basicConstraints?.pathLength !== undefined && { pathLength: basicConstraints.pathLength }),
      },
    });
    anchors.set(issuer, anchor);
  }
  return anchor;
}

function decode(der: Bytes): Certificate {
  try {
    return decodeCertificate(der);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw failed(cause.message, cause);
  }
}

function expect({ ok, findings }: PathResult, what: string): void {
  if (ok) return;
  throw failed(
    `our own verifier refuses ${what}: ${findings.map(({ code, detail }) => `${code} (${detail})`).join('; ')}`,
  );
}

function failed(why: string, cause?: unknown): AuthorityError {
  return new AuthorityError('PROOF_FAILED', `The certificate is not handed out, because ${why}.`, { cause });
}
