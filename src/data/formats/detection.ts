/** Pictures with boxes and no question, as annotation tools and detection datasets have them: the question is ours. */
import { isObject } from '../../base/json.ts';
import type { LedgerKey } from '../ledger.ts';
import { rowIssue, type RawBox, type ReadRow, type Source } from '../raw-row.ts';

export interface Labelled {
  readonly label: string;
  readonly numbers: readonly number[];
}

export interface Detection {
  readonly id?: string | null;
  readonly image: string;
  readonly boxes: readonly Labelled[];
  /** null: to be found out. */
  readonly space: 'natural' | 'fraction' | null;
  readonly layout?: 'xywh';
  readonly split?: string | undefined;
  readonly done?: readonly LedgerKey[];
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** One row a picture: every kind of thing in it is asked for. */
export function detectionRow({ id, image, boxes, space, layout, split, done }: Detection, source: Source): ReadRow {
  if (boxes.length === 0)
    return {
      ok: false,
      issues: [
        rowIssue(source, '', 'the picture has no boxes, so there is nothing to ask for', 'Add boxes, or leave it out.'),
      ],
    };
  const names = [...new Set(boxes.map(({ label }) => label))];
  const one = boxes.length === 1;
  return {
    ok: true,
    row: {
      id: id ?? null,
      task: 'detection',
      images: [image],
      turns: [
        {
          role: 'user',
          text: `<image>\nFind every ${listed(names)} in the image and give ${one ? 'its box' : 'their boxes'}.`,
          field: '',
        },
        { role: 'assistant', text: boxes.map(() => '<ref-object><bbox>').join('\n'), field: '' },
      ],
      boxes: boxes.map(({ numbers }): RawBox => ({ numbers, image: 0 })),
      refs: boxes.map(({ label }) => label),
      said: space && { space, layout: layout ?? 'xyxy', by: space === 'fraction' ? 'row' : 'format' },
      ...(split !== undefined && { split }),
      ...(done?.length && { done }),
      source,
    },
  };
}

export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

export const isBox = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length === 4 && value.every(isNumber);

/** The box around points [[x, y], …]; null if they are none. */
export function boxAround(points: unknown): number[] | null {
  if (!Array.isArray(points) || points.length < 2) return null;
  const [xs, ys] = [0, 1].map((i) => points.map((point) => (Array.isArray(point) ? (point[i] as unknown) : null)));
  if (!xs!.every(isNumber) || !ys!.every(isNumber)) return null;
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Numbers of these sides as fractions, where the row states the size of its picture; as they are, in pixels, where not. */
export function inPicture(
  boxes: readonly Labelled[],
  width: unknown,
  height: unknown,
): Pick<Detection, 'boxes' | 'space'> {
  if (!isNumber(width) || !isNumber(height) || width <= 0 || height <= 0) return { boxes, space: 'natural' };
  return {
    boxes: boxes.map(({ label, numbers }) => ({
      label,
      numbers: numbers.map((n, i) => n / (i % 2 === 0 ? width : height)),
    })),
    space: 'fraction',
  };
}

const LABELS = ['label', 'category', 'category_name', 'class', 'class_name', 'name', 'categories', 'labels'];

/** What a box is called: text, or a class by its number. */
export function labelOf(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value;
  if (isNumber(value)) return `class ${value}`;
  if (Array.isArray(value)) return labelOf(value[0]);
  if (!isObject(value)) return null;
  for (const key of LABELS) {
    const label = labelOf(value[key]);
    if (label !== null) return label;
  }
  return null;
}
