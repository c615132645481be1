import { explicit } from '../der/tags.ts';

/**
 * The claims extension as it stands in certificates: never critical (a critical unknown extension would make every TLS
 * stack refuse the certificate), in canonical DER.
 *
 * ```asn1
 * LicetClaims { 1 2 840 113556 1 8000 2554 58133 26185 2832 19886 35552 8536692 9898320 }
 * DEFINITIONS EXPLICIT TAGS ::= BEGIN
 *
 * LicenseClaims ::= SEQUENCE {
 *   version   INTEGER { v1(1) },
 *   id        OCTET STRING (SIZE(16)),
 *   sequence  INTEGER (1..MAX),
 *   modes     BIT STRING { production(0), development(1), recovery(2) },
 *   tier      SEQUENCE { rank INTEGER (0..65535), code Code },
 *   features  SEQUENCE SIZE(1..256) OF Code,          -- sorted by bytes, unique
 *   limits    SEQUENCE SIZE(0..64) OF Limit,          -- sorted by the bytes of the code, unique
 *   term      SEQUENCE { from GeneralizedTime, to GeneralizedTime },
 *   grace     INTEGER (0..MAX),                       -- seconds
 *   contact   INTEGER (0..MAX),                       -- seconds
 *   degrade   ENUMERATED { warn(0), readOnly(1), stop(2) },
 *   binding   [0] IMPLICIT Binding OPTIONAL,
 *   reporting [1] IMPLICIT Reporting OPTIONAL }
 *
 * Limit     ::= SEQUENCE {
 *   code      Code,
 *   max       CHOICE { value INTEGER (0..MAX), unlimited NULL },
 *   scope     ENUMERATED { each(0), pool(1) },
 *   enforce   ENUMERATED { report(0), soft(1), hard(2) } }
 *
 * Binding   ::= SEQUENCE {
 *   need      INTEGER (1..16),
 *   digests   SEQUENCE SIZE(0..16) OF OCTET STRING (SIZE(32)) }   -- sorted, unique; a CA names none
 *
 * Reporting ::= SEQUENCE { every INTEGER (1..MAX), required BOOLEAN }
 *
 * Code      ::= UTF8String (SIZE(1..64))              -- bytes; Unicode NFC; no control characters
 *
 * END
 * ```
 *
 * MAX is 2^53 - 1 throughout. `modes` is a named bit list: trailing zero bits are left out (X.690 §11.2.2). `required`
 * has no default and so is always there.
 */

/** The only version there is. Another one is refused as a whole: what it means is not known here. */
export const CLAIMS_V1 = 1;

/** The context tags of the two optional claims. */
export const BINDING_TAG: number = explicit(0);
export const REPORTING_TAG: number = explicit(1);
