/**
 * What a person can send with a report of a defect: where in our code it happened, and on what. There is nothing of the
 * data in it: no picture, no word of a row, no name of a file, a project or a run.
 */
import type { Problem } from './problem.ts';
import type { Studio } from './state/studio.ts';
import { saveBlob } from './ui/save.ts';

/**
 * Names and words that stand in a message, in quotes or as a path or a file. V8 has two messages that repeat what it was
 * given without quotes.
 */
const WORDS =
  /(?<=Cannot convert )[^]*(?= to a BigInt)|(?<=Invalid regular expression: )[^]*(?=: )|“[^”]*”|‘[^’]*’|"[^"]*"|'[^']*'|`[^`]*`|\S*[\\/]\S+|[^\s(]+\.[a-z]{2,11}\b(?::\d+)?|[^\u0020-\u007e…–—×“”‘’]+/giu;

/** A message with its form alone: what was named in it is left out. */
export const withoutWords = (message: string): string => message.replaceAll(WORDS, '…');

/** Where our own code lies, without the address of the page. */
const places = (trace: string): string[] =>
  trace
    .split('\n')
    .map((line) => line.trim().replace(/(?:blob:)?[a-z]+:\/\/[^/\s]*\//g, ''))
    .filter((line) => line !== '');

/** What is known of the studio, by numbers and by names of our own. */
function factsOf(studio: Studio): Readonly<Record<string, unknown>> {
  const { device, dataset, model } = studio.project.getState();
  const run = studio.run.getState();
  return {
    device: device && { name: device.name, profile: device.tuning.profile, features: device.features },
    dataset: dataset && { train: dataset.train, heldout: dataset.heldout, images: dataset.images },
    model: model && {
      type: model.modelType,
      parameters: model.parameters,
      layers: model.layers,
      bytes: model.weightBytes,
    },
    run: { state: run.state, step: studio.book.lastStep, stages: run.recipe?.stages.map(({ kind }) => kind) ?? [] },
  };
}

/** The text of the report. */
export function defectReport(
  { code, what, trace = '' }: Problem,
  facts: Readonly<Record<string, unknown>>,
  browser: string,
): string {
  const report = { code, message: withoutWords(what), places: places(trace), browser, ...facts };
  return `${JSON.stringify(report, null, 2)}\n`;
}

export function saveDefectReport(studio: Studio, problem: Problem): void {
  const text = defectReport(problem, factsOf(studio), navigator.userAgent);
  saveBlob(new Blob([text], { type: 'application/json' }), 'groundwork-defect.json');
}
