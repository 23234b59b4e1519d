/** A row in whatever format → the form that all of them share. */
import { isObject } from '../base/json.ts';
import { namesOthers, unreadPictures, withImages, withUsualMarks } from './formats/pictures-of-row.ts';
import { refusal } from './formats/refused.ts';
import { FORMATS, ROW_FORMATS, type RowFormatName } from './formats/table.ts';
import type { LedgerKey } from './ledger.ts';
import { rowIssue, type RawRow, type Source } from './raw-row.ts';
import type { RowIssue } from './row.ts';

type Fields = Readonly<Record<string, unknown>>;
export type RecognisedRow =
  | { readonly ok: true; readonly row: RawRow }
  | { readonly ok: false; readonly issues: readonly RowIssue[] };

const formatOf = (value: Fields): RowFormatName | undefined => ROW_FORMATS.find((name) => FORMATS[name].matches(value));

/** The first format whose keys the row has; null if none. */
export function guessFormat(value: unknown): RowFormatName | null {
  return isObject(value) ? (formatOf(withImages(value)) ?? null) : null;
}

/** Reads one row in whichever format its keys show, or in the one that is `wanted`. */
export function readRow(value: unknown, source: Source, wanted?: RowFormatName): RecognisedRow {
  const fail = (field: string, reason: string, fix: string): RecognisedRow => ({
    ok: false,
    issues: [rowIssue(source, field, reason, fix)],
  });
  if (!isObject(value))
    return fail(
      '',
      'the row is not a JSON object',
      'Each row must be an object such as {"images": […], "conversations": […]}.',
    );
  const refused = refusal(value, source);
  if (refused) return { ok: false, issues: [refused] };
  const fields = withImages(value);
  const name = wanted ?? formatOf(fields);
  if (name === undefined) {
    const keys = Object.keys(value).slice(0, 8).join(', ') || 'none';
    return fail(
      '',
      `no known format has these keys: ${keys}`,
      'Use conversations + images, messages + images (+ objects), prompt + completion, problem + solution, or question + answer + images.',
    );
  }
  const read = FORMATS[name].read(fields, source);
  if (!read.ok) return read;
  const unread = read.row.images.length === 0 ? unreadPictures(value) : [];
  if (unread.length)
    return fail(
      'images',
      `the row names pictures that are not read (${unread.slice(0, 3).join(', ')})`,
      'List them under “images”, in the order of the question’s <image> marks.',
    );
  if (namesOthers(read.row))
    return fail(
      'images',
      `the turns name ${read.row.named!.slice(0, 3).join(', ')}, the list of pictures ${read.row.images.slice(0, 3).join(', ')}`,
      'Name the same pictures in both places, or in one only.',
    );
  const done = [...(read.row.done ?? []), ...passedOver(fields)];
  return { ok: true, row: { ...withUsualMarks(read.row), format: name, ...(done.length && { done }) } };
}

const THOUGHTS = [
  'thinking',
  'thought',
  'thoughts',
  'think',
  'reasoning',
  'reasoning_content',
  'rationale',
  'cot',
  'chain_of_thought',
];
/** What ms-swift and TRL call the worse of two answers. */
const REJECTED = ['rejected', 'rejected_response', 'rejected_messages'];
const WEIGHTS = ['loss_weight', 'weight', 'loss_scale', 'sample_weight'];

/** Whether a row or a turn is to count less, or not at all (LLaMA-Factory, ms-swift, OpenAI, axolotl). */
const isWeighed = (fields: Fields): boolean =>
  WEIGHTS.some((key) => typeof fields[key] === 'number' && fields[key] !== 1) ||
  fields.loss === false ||
  fields.train === false;

/** Fields that would change what is learned, and that no format reads. */
function* passedOver(fields: Fields): Generator<LedgerKey> {
  if (THOUGHTS.some((key) => typeof fields[key] === 'string' && fields[key] !== '')) yield 'thought-beside';
  if (REJECTED.some((key) => fields[key] !== undefined && fields[key] !== null && fields[key] !== ''))
    yield 'rejected-not-read';
  const turns = [fields.messages, fields.conversations, fields.conversation].find(Array.isArray) as
    | unknown[]
    | undefined;
  if (isWeighed(fields) || turns?.some((turn) => isObject(turn) && isWeighed(turn))) yield 'weights-not-read';
}
