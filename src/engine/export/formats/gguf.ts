/** The whole model for llama.cpp, with everything learnt folded in. */
import { ggufFiles, ggufObstacles } from '../../../train/gguf/model.ts';
import { DEFAULT_PRECISION } from '../../../train/gguf/precisions.ts';
import type { ExportFormat } from './format.ts';

export const gguf: ExportFormat = {
  needsLearnt: false,
  obstacles: (model) => ggufObstacles(model),
  files: (model, parts, { precision = DEFAULT_PRECISION }) => ggufFiles(model, parts, precision),
};
