/**
 * Gives the memory of bytes back now, which nobody may look at afterwards. The collector counts them when it finds the
 * time, and the 50 MB of a CRL of a million entries would stay in an idle server for as long.
 */
export function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
