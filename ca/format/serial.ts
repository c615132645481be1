/** Serial numbers as programs show them to people: `01f3…`, `01:F3:…`, `0x1f3…`, and `serial=01F3…` of openssl. */
export const SERIAL_TEXT = /^(?:serial=|0[xX])?[0-9A-Fa-f]{1,2}(?:[: ]?[0-9A-Fa-f]{2}){0,19}$/;

/**
 * The number that was meant, as the content octets of its INTEGER in lower-case hexadecimal, which is how `toHex` writes
 * the serial of a certificate; undefined: it is none. What prints numbers leaves zeros at their beginning out.
 */
export function parseSerial(text: string): string | undefined {
  if (!SERIAL_TEXT.test(text)) return undefined;
  const digits = text.replace(/^(?:serial=|0[xX])/, '').replaceAll(/[: ]/g, '');
  const number = digits.toLowerCase().replace(/^0+(?=.)/, '');
  const octets = number.length % 2 === 0 ? number : `0${number}`;
  // X.690 §8.3.3: a set top bit would make it negative.
  const serial = octets >= '8' ? `00${octets}` : octets;
  // RFC 5280 §4.1.2.2: at most 20 octets.
  return serial.length <= 40 ? serial : undefined;
}
