import { llava } from './formats/llava.ts';
import { messages } from './formats/messages.ts';
import { msSwift } from './formats/ms-swift.ts';
import { migBench, questionAnswer } from './formats/question-answer.ts';
import { rowIssue, type ReadRow, type RowFormat, type Source } from './raw-row.ts';

/** The more particular first. */
export const FORMATS: readonly RowFormat[] = [msSwift, llava, messages, migBench, questionAnswer];

/** Reads one row in whichever format its keys show. */
export function readRow(value: unknown, source: Source): ReadRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
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
  const fields = value as Record<string, unknown>;
  const format = FORMATS.find((candidate) => candidate.matches(fields));
  if (format) return format.read(fields, source);
  const keys = Object.keys(fields).slice(0, 8).join(', ') || 'none';
  return {
    ok: false,
    issues: [
      rowIssue(
        source,
        '',
        `no known format has these keys: ${keys}`,
        'Use conversations + images, messages + images (+ objects), or question + answer + images.',
      ),
    ],
  };
}
