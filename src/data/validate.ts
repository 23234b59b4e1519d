/** The checks a row must pass. Each complaint says where, why and what to do; a row with an error is left out. */
import { PICTURE_FORMATS } from '../base/picture-files.ts';
import type { Box01 } from '../grounding/box.ts';
import { clampBox01 } from '../grounding/convert.ts';
import type { Convention } from './dataset-ref.ts';
import { isFractions } from './fractions.ts';
import type { Pictures } from './pictures.ts';
import type { BoxPlace } from './places.ts';
import { rowIssue, type RawRow, type Source } from './raw-row.ts';
import { boxOf, conventionWords, extent, needsPicture, SPACE_WORDS, type PictureFacts } from './reading.ts';
import type { Fault, Message, RowIssue } from './row.ts';

/** Annotations may overshoot a picture's edge by rounding; more is an error. */
const TOLERANCE = 0.01;

const ROLES: Readonly<Record<string, Message['role']>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  bot: 'assistant',
  system: 'system',
  // OpenAI's newer name for it (Model Spec, “roles”).
  developer: 'system',
};

export const roleOf = (role: string): Message['role'] | null => (Object.hasOwn(ROLES, role) ? ROLES[role]! : null);

const countMarks = (text: string): number => text.split('<image>').length - 1;

/** Roles, the presence of a question and of an answer, and the number of `<image>` marks. */
export function checkTurns({ turns, images, source }: RawRow): RowIssue[] {
  const issues: RowIssue[] = [];
  for (const { role, field } of turns)
    if (!roleOf(role))
      issues.push(rowIssue(source, field, `the role “${role}” is unknown`, 'Use human/gpt, or user/assistant/system.'));
  if (!turns.some(({ role }) => roleOf(role) === 'user'))
    issues.push(rowIssue(source, '', 'there is no question', 'Add a turn from human (or user).'));
  const last = turns.at(-1);
  if (!last || roleOf(last.role) !== 'assistant')
    issues.push(
      rowIssue(
        source,
        last?.field ?? '',
        'the last turn is not an answer',
        'End the row with a turn from gpt (or assistant).',
      ),
    );
  else if (last.text.trim() === '')
    issues.push(rowIssue(source, last.field, 'the answer is empty', 'Fill in the answer or remove the row.'));
  const marks = turns.reduce((sum, { text }) => sum + countMarks(text), 0);
  if (marks > 0 && marks !== images.length)
    issues.push(
      rowIssue(
        source,
        'images',
        `${marks} <image> in the text, but ${images.length} ${images.length === 1 ? 'picture' : 'pictures'}`,
        'Write one <image> for each picture, in their order.',
      ),
    );
  const misplaced = turns.find(({ role, text }) => roleOf(role) === 'assistant' && countMarks(text) > 0);
  if (misplaced)
    issues.push(rowIssue(source, misplaced.field, 'an answer contains <image>', 'Put <image> into the question.'));
  return issues;
}

/** Files of the row's pictures, in order, and what could not be found. */
export function checkImages(
  { images, source }: RawRow,
  pictures: Pick<Pictures, 'find'>,
): { paths: string[]; issues: RowIssue[] } {
  const paths: string[] = [];
  const issues: RowIssue[] = [];
  for (const [i, reference] of images.entries()) {
    const field = `images[${i}]`;
    if (/^(https?|data):/i.test(reference)) {
      issues.push(
        rowIssue(
          source,
          field,
          'the picture is not a file of the dataset',
          'Save the picture as a file next to the rows. Groundwork downloads no pictures.',
        ),
      );
      continue;
    }
    const found = pictures.find(reference, source.file);
    if (found.ok) paths.push(found.path);
    else if (found.reason === 'missing')
      issues.push({
        ...rowIssue(
          source,
          field,
          `no file matches “${reference}”`,
          'Add the picture to the folder, or correct the path.',
        ),
        fault: 'picture-missing',
      });
    else
      issues.push(
        rowIssue(
          source,
          field,
          `“${reference}” matches ${found.count} files: ${found.candidates.join(', ')}${found.count > found.candidates.length ? ', …' : ''}`,
          'Write more of the path, so that it matches one file.',
        ),
      );
  }
  return { paths, issues };
}

export type CheckedBox =
  | {
      readonly ok: true;
      readonly box: Box01;
      /** It reached beyond the picture, by less than the tolerance. */ readonly clipped: boolean;
    }
  | { readonly ok: false; readonly issue: RowIssue };

/** Loose numbers → a box inside its picture. `picture` is needed for pixels only. */
export function checkBox(
  place: BoxPlace,
  convention: Convention,
  picture: PictureFacts | null,
  field: string,
  source: Source,
): CheckedBox {
  const fail = (reason: string, fix: string, fault?: Fault): CheckedBox => ({
    ok: false,
    issue: { ...rowIssue(source, field, reason, fix), ...(fault && { fault }) },
  });
  const written = `[${place.numbers.join(', ')}]`;
  const box = boxOf(place.numbers, convention, picture);
  if (!box)
    return fail('the picture of a box could not be measured', `Replace the picture with a ${PICTURE_FORMATS} file.`);
  if (!box.every(Number.isFinite)) return fail(`${written} is not a box`, 'Give four numbers.');
  if (convention.space !== 'fraction' && isFractions(place.numbers))
    return fail(
      `${written} can only be fractions, and the boxes of this file are read as ${SPACE_WORDS[convention.space]}`,
      'Write the rows with fractions into a file of their own, or all boxes in one way.',
      'box-outside',
    );
  if (box[0] > box[2] || box[1] > box[3])
    return convention.layout === 'xyxy'
      ? fail(`${written} is inverted`, 'Give [x1, y1, x2, y2] with x1 < x2 and y1 < y2 (not x, y, width, height).')
      : fail(`${written} has a negative width or height`, 'Width and height are the third and fourth number.');
  if (box.some((v) => v < -TOLERANCE || v > 1 + TOLERANCE)) {
    const whole = needsPicture(convention.space) && extent(convention, picture);
    const size = whole ? ` of ${whole.width} × ${whole.height}` : '';
    return fail(
      `${written} lies outside the picture${size}`,
      `Boxes here are read as ${conventionWords(convention)}. Correct the box, or choose another reading.`,
      'box-outside',
    );
  }
  const inside = clampBox01(box);
  if (inside[0] === inside[2] || inside[1] === inside[3])
    return fail(
      `${written} has no area`,
      'Correct or remove the box. If it means that there is nothing to find, write [] as the answer.',
    );
  return { ok: true, box: inside, clipped: box.some((v) => v < 0 || v > 1) };
}
