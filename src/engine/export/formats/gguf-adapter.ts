/** The adapter for llama.cpp, beside a model that it serves. */
import { combine } from '../../../train/combine.ts';
import { adapterObstacles, ggufAdapterFiles } from '../../../train/gguf/adapter.ts';
import { ggufObstacles } from '../../../train/gguf/model.ts';
import type { ExportFormat } from './format.ts';

export const ggufAdapter: ExportFormat = {
  needsLearnt: true,
  obstacles: async (model, parts) => [
    ...(await ggufObstacles(model)),
    ...(parts.some(({ magnitudes }) => magnitudes)
      ? ['What was learnt includes DoRA, whose norms an adapter of llama.cpp cannot hold.']
      : parts.length > 0
        ? adapterObstacles(model, combine(parts))
        : []),
  ],
  files: async (model, parts) => ({ files: await ggufAdapterFiles(model, combine(parts)) }),
};
