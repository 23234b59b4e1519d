/** Numbers as people read them. */

export { count, plural } from '../../base/counts.ts';

// Made once: making one takes longer than what it is made for.
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export const compact = (n: number): string => COMPACT.format(n);

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024;
    i++;
  }
  return `${i === 0 ? n : n.toPrecision(3)} ${units[i]}`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 1) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** A value of a curve: short, never misleadingly rounded to 0. */
export function value(x: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e5))
    return x.toExponential(2).replace('-', '−').replace('e+', 'e').replace('e-', 'e−');
  return x.toPrecision(size >= 100 ? 4 : 3).replace('-', '−');
}

export const ratio = (x: number): string => x.toFixed(2).replace('-', '−');
/** Of nothing there is no share. */
export const percent = (x: number): string => (Number.isNaN(x) ? '–' : `${(x * 100).toFixed(1)} %`);
export const signed = (x: number): string => `${x >= 0 ? '+' : '−'}${Math.abs(x).toFixed(2)}`;
/** A label within a sentence: its first letter small, unless the word is a name or an abbreviation (JSON, IoU, LoRA). */
export const withinSentence = (label: string): string =>
  /^[A-Z][a-z]+(?![A-Za-z0-9])/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
