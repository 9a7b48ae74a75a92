/**
 * Durations as text, after ISO 8601: `PT30S`, `PT1H30M`, `P1D`, `P2W`. Months and years are refused, because how long
 * they are depends on when they begin.
 */
import { InvalidDuration } from './errors.js';

export type Duration = `P${string}`;

const pattern = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/;
const unitsMs = [7 * 24 * 3_600_000, 24 * 3_600_000, 3_600_000, 60_000, 1_000] as const;

/** @throws InvalidDuration */
export function durationMs(text: Duration): number {
  const match = pattern.exec(text);
  if (!match) throw new InvalidDuration(text);
  return unitsMs.reduce((sum, unit, index) => sum + Math.round(Number(match[index + 1] ?? 0) * unit), 0);
}
