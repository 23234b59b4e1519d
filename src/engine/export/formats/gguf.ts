/** The whole model for llama.cpp, with everything learnt folded in. */
import { ggufFiles, ggufObstacles } from '../../../train/gguf/model.ts';
import type { ExportFormat } from './format.ts';

export const gguf: ExportFormat = {
  needsLearnt: false,
  obstacles: (model) => ggufObstacles(model),
  files: async (model, parts, { precision = 'q8_0' }) => (await ggufFiles(model, parts, precision)).files,
};
