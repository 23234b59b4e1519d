/** The checkpoint folder with everything learnt folded in. */
import { shardNames } from '../../../train/checkpoint-folder.ts';
import { mergedFiles } from '../../../train/export.ts';
import type { ExportFormat } from './format.ts';

export const merged: ExportFormat = {
  needsLearnt: false,
  obstacles: async () => [],
  files: async ({ folder, checkpoint, architecture }, parts) => ({
    files: mergedFiles(folder, checkpoint, await shardNames(folder), parts, architecture),
  }),
};
