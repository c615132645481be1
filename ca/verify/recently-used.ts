/** A map that holds so many entries and gives up the one that was not asked for longest. */
export class RecentlyUsed<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly most: number;
  private newest: { readonly key: K; readonly value: V } | undefined;

  constructor(most: number) {
    this.most = most;
  }

  get(key: K): V | undefined {
    // Most often it is the same again, and to compare a long text takes far less time than to hash it.
    if (this.newest !== undefined && this.newest.key === key) return this.newest.value;
    const value = this.entries.get(key);
    // Moved to the end: a Map keeps the order of insertion, so the first is the one that was not used for longest.
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    if (!this.entries.delete(key) && this.entries.size >= this.most) {
      this.entries.delete(this.entries.keys().next().value!);
    }
    this.entries.set(key, value);
    this.newest = { key, value };
  }
}
