/**
 * How often a drill does what its bar says: all of it, or the part that `LICET_DRILL_SCALE` says (0.1: a tenth, and once at
 * least). The rows say how often it was.
 */
export function scaled(count: number): number {
  const scale = Number(process.env['LICET_DRILL_SCALE'] ?? 1);
  return Math.max(1, Math.round(count * scale));
}
