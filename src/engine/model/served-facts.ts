/** What programs that serve a model need to know of its boxes and pictures. */
import type { ServedModel } from '../../train/serve-snippets.ts';
import type { LoadedModel } from '../../models/load.ts';

export function servedFacts({
  architecture,
  processor,
}: Pick<LoadedModel, 'architecture' | 'processor'>): Omit<ServedModel, 'prompt'> {
  const { convention, limits, patches } = processor;
  return {
    modelType: architecture.modelType,
    boxConvention: convention.words,
    boxExample: convention.syntax.example(2),
    pictures: {
      minPixels: limits.minPixels,
      maxPixels: limits.maxPixels,
      ...(limits.longestEdge !== undefined && { longestEdge: limits.longestEdge }),
      ...(limits.imageSplitting !== undefined && { imageSplitting: limits.imageSplitting }),
      limitedBy: processor.limitedBy,
      pixelsPerToken: (patches.patchSize * patches.mergeSize) ** 2,
    },
  };
}
