/** What the user said about readings, over what the numbers show: one answer for one file and way of writing. */
import type { Decision } from './conventions.ts';
import type { Convention, DatasetOptions, Reading } from './dataset-ref.ts';
import { conventionKey } from './reading.ts';

/** A reading's convention alone, without a `resize` that is none. */
export const conventionOnly = ({ space, layout, resize }: Convention): Convention =>
  space === 'model' && resize ? { space, layout, resize } : { space, layout };

export const readingOf = (options: DatasetOptions, file: string, way: Reading['way']): Reading | undefined =>
  options.readings?.find((each) => each.file === file && each.way === way);

/**
 * The decision for a file, with the user's answer where there is one. Projects stored by earlier versions have one
 * answer for all files: it holds where the numbers leave a file open, where they agree, and where there is no other
 * file; what is certain of one of several files is not overturned by what was said of another.
 */
export function settled(found: Decision, file: string, options: DatasetOptions, onlyFile: boolean): Decision {
  const said = readingOf(options, file, found.way) ?? former(found, options, onlyFile);
  if (!said) return found;
  const { way, boxes, candidates } = found;
  return { way, boxes, candidates, ...conventionOnly(said), reason: 'you said so', ambiguous: false, settled: true };
}

function former(found: Decision, { conventions }: DatasetOptions, onlyFile: boolean): Convention | undefined {
  const said = found.way === 'declared' ? undefined : conventions?.[found.way];
  return said && (onlyFile || found.ambiguous || conventionKey(said) === conventionKey(found)) ? said : undefined;
}

/** The options with every answer that holds, each for its file. */
export function optionsWith(
  given: DatasetOptions,
  decisions: Iterable<readonly [file: string, decision: Decision]>,
): DatasetOptions {
  const readings = [...decisions].flatMap(([file, decision]): Reading[] =>
    decision.settled ? [{ file, way: decision.way, ...conventionOnly(decision) }] : [],
  );
  const options: { -readonly [K in keyof DatasetOptions]: DatasetOptions[K] } = { ...given };
  delete options.conventions;
  delete options.readings;
  return readings.length ? { ...options, readings } : options;
}
