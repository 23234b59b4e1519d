/** Which format a row has, by its keys. */
import { llava } from './formats/llava.ts';
import { messages } from './formats/messages.ts';
import { msSwift } from './formats/ms-swift.ts';
import { promptCompletion } from './formats/prompt-completion.ts';
import { migBench, questionAnswer, refCocoRow, vlmR1 } from './formats/question-answer.ts';
import { rowIssue, type ReadRow, type RowFormat, type RowFormatName, type Source } from './raw-row.ts';

/** The more particular first. */
const FORMATS: readonly RowFormat[] = [
  msSwift,
  llava,
  messages,
  vlmR1,
  promptCompletion,
  refCocoRow,
  migBench,
  questionAnswer,
];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first format whose keys the row has; null if none. */
export function guessFormat(value: unknown): RowFormatName | null {
  return isObject(value) ? (FORMATS.find((format) => format.matches(value))?.name ?? null) : null;
}

/** Reads one row in whichever format its keys show, or in the one that is `wanted`. */
export function readRow(value: unknown, source: Source, wanted?: RowFormatName): ReadRow {
  if (!isObject(value))
    return {
      ok: false,
      issues: [
        rowIssue(
          source,
          '',
          'the row is not a JSON object',
          'Each row must be an object such as {"images": […], "conversations": […]}.',
        ),
      ],
    };
  const format = FORMATS.find((candidate) =>
    wanted === undefined ? candidate.matches(value) : candidate.name === wanted,
  );
  if (format) return format.read(value, source);
  const keys = Object.keys(value).slice(0, 8).join(', ') || 'none';
  return {
    ok: false,
    issues: [
      rowIssue(
        source,
        '',
        `no known format has these keys: ${keys}`,
        'Use conversations + images, messages + images (+ objects), prompt + completion, problem + solution, or question + answer + images.',
      ),
    ],
  };
}
