/** A map that holds so many entries and gives up the one that was not asked for longest. */
export class RecentlyUsed<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly most: number;
  private newest: K | undefined;

  constructor(most: number) {
    this.most = most;
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    // Moved to the end: a Map keeps the order of insertion, so the first is the one that was not used for longest.
    if (value !== undefined && key !== this.newest) this.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    if (!this.entries.delete(key) && this.entries.size >= this.most) {
      this.entries.delete(this.entries.keys().next().value!);
    }
    this.entries.set(key, value);
    this.newest = key;
  }
}
