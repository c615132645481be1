/**
 * Lines for a terminal. What stands in a certificate was chosen by whoever made it: control characters in it could move
 * the cursor and write a verdict of their own, and format characters could turn it around.
 */
export function printable(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')).join('\n');
}
