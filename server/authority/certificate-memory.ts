/** One takes about 3 KB: a server whose applications ask about more licenses than these reads some of them anew. */
const MOST = 2000;

/** What was found stays what it is: a certificate never changes once it is issued, whatever becomes of it. */
export class CertificateMemory<T> {
  readonly #known = new Map<string, T>();

  get(id: string): T | undefined {
    const value = this.#known.get(id);
    if (value !== undefined) this.keep(id, value);
    return value;
  }

  keep(id: string, value: T): void {
    // Anew at the end: the order of a Map is the order of use.
    this.#known.delete(id);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(id, value);
  }
}
