/** Bytes that nobody can guess. Production uses the operating system's; a test hands in a seeded one. */
export interface Random {
  bytes(length: number): Uint8Array;
}
