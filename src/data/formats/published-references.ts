/**
 * Referring expressions in the forms in which they are published apart from RefCOCO's own: MiniGPT-4's evaluation files
 * (`img_id`, `sents`, `bbox` [x, y, width, height]; eval_scripts/eval_ref.py), Rex-Thinker's annotations (boxes of two
 * corners in pixels), ScreenSpot's instructions.
 */
import { printed } from '../../base/json.ts';
import { rowIssue, type RawBox, type ReadRow, type RowFormat, type RawRow, type Source } from '../raw-row.ts';
import { isBox } from './detection.ts';

interface Reference extends Pick<RawRow, 'said'> {
  readonly id?: string | null;
  readonly image: unknown;
  readonly phrase: unknown;
  readonly boxes: unknown;
  readonly field: string;
  readonly question?: string;
}

function referenceRow({ id, image, phrase, boxes, field, question, ...rest }: Reference, source: Source): ReadRow {
  const fail = (where: string, reason: string, fix: string): ReadRow => ({
    ok: false,
    issues: [rowIssue(source, where, reason, fix)],
  });
  if (typeof image !== 'string' || image === '')
    return fail('image', 'the row names no picture', 'Give the name of the picture.');
  if (typeof phrase !== 'string' || phrase.trim() === '')
    return fail('', 'there is no phrase', 'Give the words that refer to the box.');
  if (!Array.isArray(boxes) || !boxes.every(isBox))
    return fail(field, 'it is not boxes of four numbers', 'Give [x1, y1, x2, y2] of what the words refer to.');
  return {
    ok: true,
    row: {
      id: id ?? null,
      task: 'refer',
      images: [image],
      turns: [
        {
          role: 'user',
          text: `<image>\n${question ?? 'Find the region this refers to and give its box:'} ${phrase}`,
          field: '',
        },
        { role: 'assistant', text: boxes.length ? boxes.map(() => '<bbox>').join('\n') : '[]', field },
      ],
      boxes: boxes.map((numbers): RawBox => ({ numbers, image: 0 })),
      refs: [],
      ...rest,
      source,
    },
  };
}

/** An id such as COCO_train2014_000000581857_0 begins with the name of the picture. */
const COCO_NAME = 27;

export const miniGptReference: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'img_id') && Object.hasOwn(value, 'sents') && Object.hasOwn(value, 'bbox'),
  read: (value, source) => {
    const phrases = Array.isArray(value.sents) ? value.sents : [value.sents];
    const name = printed(value.img_id);
    return referenceRow(
      {
        id: name,
        image: /\.\w{3,4}$/.test(name) ? name : `${name.slice(0, COCO_NAME)}.jpg`,
        phrase: phrases[0],
        boxes: [value.bbox],
        field: 'bbox',
        said: { space: 'natural', layout: 'xywh', by: 'format' },
      },
      source,
    );
  },
};

export const rexThinker: RowFormat = {
  matches: (value) =>
    Object.hasOwn(value, 'referring') && Object.hasOwn(value, 'ans') && Object.hasOwn(value, 'image_name'),
  read: (value, source) =>
    referenceRow(
      {
        id: value.image_id === undefined ? null : `${printed(value.image_id)}-${source.line}`,
        image: value.image_name,
        phrase: value.referring,
        boxes: isBox(value.ans) ? [value.ans] : value.ans,
        field: 'ans',
        said: { space: 'natural', layout: 'xyxy', by: 'format' },
      },
      source,
    ),
};

export const screenSpot: RowFormat = {
  matches: (value) =>
    Object.hasOwn(value, 'img_filename') && Object.hasOwn(value, 'instruction') && Object.hasOwn(value, 'bbox'),
  read: (value, source) =>
    referenceRow(
      {
        image: value.img_filename,
        phrase: value.instruction,
        boxes: [value.bbox],
        field: 'bbox',
        said: null,
        question: 'Give the box of the element that this instruction is about:',
      },
      source,
    ),
};
