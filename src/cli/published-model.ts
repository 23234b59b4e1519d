/** The published model that an argument of the command line names. */
import { findPublished, publishedIds, type PublishedModel } from '../engine/model/published.ts';
import { UsageError } from './arguments.ts';

/** A published model named on the command line. @throws UsageError with the names there are */
export function publishedModel(named: string | undefined, usage: string): PublishedModel {
  const model = findPublished(named);
  if (model) return model;
  const what = named === undefined ? 'No model is named.' : `“${named}” is not a model that Groundwork knows.`;
  throw new UsageError(what, `${usage}\nmodels:\n  ${publishedIds().join('\n  ')}`);
}
