/** Forms of RSA modulus that are breakable whatever their length. */

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n < limit; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** The product of all primes below 752, as other public CAs test it: one gcd instead of a hundred divisions. */
const SMALL_PRIMES = primesBelow(752).reduce((product, prime) => product * BigInt(prime), 1n);

export function hasSmallFactor(modulus: bigint): boolean {
  let [a, b] = [SMALL_PRIMES, modulus % SMALL_PRIMES];
  while (b !== 0n) [a, b] = [b, a % b];
  return a !== 1n;
}

/** 65537 generates, modulo each of these, a small group that every modulus of the flawed generator lies in (CVE-2017-15361). */
const ROCA_PRIMES = primesBelow(168).filter((prime) => prime > 2);

const ROCA_GROUPS = ROCA_PRIMES.map((prime) => {
  const group = new Set<number>();
  for (let power = 1; !group.has(power); power = (power * 65_537) % prime) group.add(power);
  return { prime: BigInt(prime), group };
});

/** A modulus of another generator passes all of these tests with a chance below 2^-27. */
export function isRocaModulus(modulus: bigint): boolean {
  return ROCA_GROUPS.every(({ prime, group }) => group.has(Number(modulus % prime)));
}
