/** Figures that stand on a page which a machine extracted from papers: shown with that said, and never marked as comparable. */
import type { PublishedRow } from './benchmark.ts';

export const secondHand = (model: string, paper: string, average: number): PublishedRow => ({
  model,
  figures: { average },
  source: `wizwand.com, extracted by a machine and not checked against arXiv ${paper}`,
  samePrompt: false,
  sameRule: false,
  note: 'Which row of the paper and which version it is, and its prompt and scorer, is not said there.',
});
