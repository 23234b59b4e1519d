import { expect, test } from 'vitest';
import { PUBLISHED } from '../../src/engine/model/published.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { entriesOf } from '../../src/models/vision-language.ts';

test.each(PUBLISHED)('$id: its tensors add up to the published number of parameters', ({ config, parameters }) => {
  const entries = entriesOf(parseArchitecture(config));
  expect(entries.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters);
  expect(new Set(entries.map((e) => e.name)).size).toBe(entries.length);
});
