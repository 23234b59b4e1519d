/** The adapter in PEFT's layout. */
import { combine } from '../../../train/combine.ts';
import { adapterFiles } from '../../../train/export.ts';
import type { ExportFormat } from './format.ts';

export const adapter: ExportFormat = {
  needsLearnt: true,
  obstacles: async () => [],
  files: async ({ model, name }, parts, { style }) => ({
    files: adapterFiles(combine(parts), model.linears, name, style),
  }),
};
