/** Colours of the themes against WCAG 2.2 AA: 4.5 for text, 3 for lines that carry meaning. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LABEL_INK, ROLES } from '../../src/studio/boxes/roles.ts';

const css = readFileSync('src/studio/styles/tokens.css', 'utf8');

function tokens(theme: 'light' | 'dark'): Record<string, string> {
  const block = new RegExp(`data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)![1]!;
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const v = parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

/** Text, and the grounds on which it is set. */
const TEXT: readonly [string, readonly string[]][] = [
  ['ink', ['ground', 'surface', 'sunken', 'hover', 'accent-soft', 'good-soft', 'bad-soft', 'warn-soft', 'learned']],
  ['muted', ['ground', 'surface', 'sunken', 'hover']],
  ['accent', ['ground', 'surface']],
  ['on-primary', ['primary']],
  ['good', ['good-soft', 'surface']],
  ['bad', ['bad-soft', 'ground', 'surface']],
  ['warn', ['warn-soft', 'ground', 'hover', 'accent-soft']],
];
const LINES: readonly [string, readonly string[]][] = [
  ['rule-strong', ['ground', 'surface']],
  ['focus', ['ground', 'surface', 'sunken', 'accent-soft']],
  ['accent', ['ground', 'surface', 'sunken', 'rule']],
  ...[1, 2, 3, 4, 5, 6].map((i): [string, readonly string[]] => [`curve-${i}`, ['surface']]),
];

describe.each(['light', 'dark'] as const)('the %s theme', (theme) => {
  const color = tokens(theme);
  const low = (pairs: typeof TEXT, least: number) =>
    pairs
      .flatMap(([front, grounds]) =>
        grounds.map((ground) => ({ pair: `${front} on ${ground}`, ratio: contrast(color[front]!, color[ground]!) })),
      )
      .filter(({ ratio }) => !(ratio >= least));
  it('sets text at 4.5 or more', () => expect(low(TEXT, 4.5)).toEqual([]));
  it('draws lines that carry meaning at 3 or more', () => expect(low(LINES, 3)).toEqual([]));
});

describe('the colours of boxes', () => {
  it.each(Object.entries(ROLES))('%s: its label can be read', (_, { color }) => {
    expect(contrast(color, LABEL_INK)).toBeGreaterThanOrEqual(4.5);
  });
  it('no two roles share colour or dashes and width', () => {
    const styles = Object.values(ROLES);
    expect(new Set(styles.map(({ color }) => color)).size).toBe(styles.length);
    expect(new Set(styles.map(({ dash, width }) => `${dash}/${width}`)).size).toBe(styles.length);
  });
});
