/**
 * A question about pictures and its answer. MIG-Bench: `task`, an answer in fractions, pictures before the question.
 * UniVG-R1's training rows: an answer in thousandths, `<image>` in the question. VLM-R1 and EasyR1: `problem` with
 * `solution` or `answer`. The Hub's RefCOCO: a picture, a `bbox` [x, y, width, height] and the phrases that refer to it.
 */
import * as v from 'valibot';
import { MIG_TASKS } from '../../benchmarks/mig-bench.ts';
import {
  idSchema,
  imagesSchema,
  ownSplit,
  quadSchema,
  rowIssue,
  schemaIssues,
  splitSchema,
  type RowFormat,
} from '../raw-row.ts';
import { imageHints } from '../../grounding/image-hint.ts';
import { MarkSupply, placesIn, searchText } from '../places.ts';
import { answerSchema, readAnswer } from './answer.ts';

const common = {
  id: idSchema,
  task: v.fallback(v.optional(v.string()), undefined),
  images: v.optional(v.nullable(imagesSchema)),
  image: v.optional(v.nullable(imagesSchema)),
  split: splitSchema,
};

type Fields = Readonly<Record<string, unknown>>;
const has = (value: Fields, ...keys: readonly string[]) => keys.some((key) => Object.hasOwn(value, key));

interface Kind {
  matches(value: Fields): boolean;
  /** The keys of question and answer; of several, the first that the row has. */
  readonly question: readonly string[];
  readonly answer: readonly string[];
  readonly space?: 'fraction';
  /** The picture of the answer's box, from 0, where another field says it; null where none does. */
  picture?(value: Fields): number | null;
}

function format({ matches, question, answer, space, picture }: Kind): RowFormat {
  return {
    matches,
    read: (value, source) => {
      const [asked, answered] = [question, answer].map((keys) => keys.find((key) => has(value, key)) ?? keys[0]!) as [
        string,
        string,
      ];
      const schema = v.object({ ...common, [asked]: v.string(), [answered]: answerSchema });
      const parsed = v.safeParse(schema, value);
      if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
      const {
        id,
        task,
        images: several,
        image,
        split,
      } = parsed.output as v.InferOutput<v.ObjectSchema<typeof common, undefined>>;
      const fields = parsed.output as unknown as Record<string, string>;
      const images = several ?? image ?? [];
      const read = readAnswer(fields[answered] as v.InferOutput<typeof answerSchema>);
      if (!read)
        return {
          ok: false,
          issues: [rowIssue(source, answered, 'an answer is not four numbers', 'Give [x1, y1, x2, y2].')],
        };
      const text = fields[asked]!;
      const stated = picture?.(value) ?? null;
      const marked = text.includes('<image>') ? text : `${'<image>\n'.repeat(images.length)}${text}`;
      return {
        ok: true,
        row: {
          id,
          task: task ?? '',
          images,
          turns: [
            { role: 'user', text: marked, field: asked },
            { role: 'assistant', text: read.text, field: answered },
          ],
          boxes: stated === null ? read.boxes : read.boxes.map((box) => ({ ...box, image: box.image ?? stated })),
          refs: [],
          said: space ? { space, layout: 'xyxy', by: 'row' } : null,
          ...ownSplit(split),
          source,
        },
      };
    },
  };
}

const isQuestion = (value: Fields): boolean =>
  has(value, 'question') && has(value, 'answer', 'bbox', 'solution') && has(value, 'images', 'image');

/** UniVG's revised MIG-Bench keeps the keys but has thousandths: above 1 it is not MIG-Bench's own space. */
const inFractions = (answer: unknown): boolean =>
  Array.isArray(answer) && answer.every((n) => typeof n !== 'number' || n <= 1);

/**
 * MIG-Bench's `additional_info` says in words where a box lies (“It is in the first image. <|box_start|>…”): the picture
 * of the box that is the answer, in thousandths there; or the only one that the words name.
 */
function pictureOfInfo({ additional_info: info, answer }: Fields): number | null {
  if (typeof info !== 'string' || info === '') return null;
  const { boxes } = placesIn(searchText(info, new MarkSupply([], []), null), 'xyxy');
  const numbers = Array.isArray(answer) ? answer.map(Number) : [];
  const scale = inFractions(answer) ? 1000 : 1;
  const own = boxes.find((box) => box.numbers.every((n, i) => Math.abs(n - scale * numbers[i]!) <= 1));
  const named = [
    ...new Set(boxes.length ? boxes.map(({ image }) => image) : imageHints(info).map(({ image }) => image)),
  ];
  const picture = own ? own.image : named.length === 1 ? named[0]! : null;
  return picture === null || picture < 0 ? null : picture;
}

export const migBench = format({
  matches: (value) =>
    isQuestion(value) &&
    typeof value.task === 'string' &&
    Object.hasOwn(MIG_TASKS, value.task) &&
    inFractions(value.answer),
  question: ['question'],
  answer: ['answer'],
  space: 'fraction',
  picture: pictureOfInfo,
});

export const questionAnswer = format({
  matches: isQuestion,
  question: ['question'],
  answer: ['answer', 'solution', 'bbox'],
});

export const vlmR1 = format({
  matches: (value) => has(value, 'problem') && has(value, 'solution', 'answer'),
  question: ['problem'],
  answer: ['solution', 'answer'],
});

/** As PaliGemma's and Florence-2's data have them: what is asked, and what follows. */
export const prefixSuffix = format({
  matches: (value) => has(value, 'prefix') && has(value, 'suffix') && has(value, 'images', 'image'),
  question: ['prefix'],
  answer: ['suffix'],
});

const phrases = v.union(
  [
    v.pipe(
      v.string(),
      v.transform((text) => [text]),
    ),
    v.pipe(v.array(v.string()), v.minLength(1)),
  ],
  'it should be a phrase, or a list of phrases',
);
const reference = v.object({
  ...common,
  question_id: idSchema,
  bbox: quadSchema,
  answer: v.optional(phrases),
  sentences: v.optional(phrases),
});

export const refCocoRow: RowFormat = {
  matches: (value) =>
    has(value, 'bbox') && has(value, 'image') && (Array.isArray(value.answer) || has(value, 'sentences')),
  read: (value, source) => {
    const parsed = v.safeParse(reference, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, question_id, task, images, image, split, bbox, answer, sentences } = parsed.output;
    const phrase = (answer ?? sentences)?.[0];
    if (bbox.length !== 4 || phrase === undefined)
      return {
        ok: false,
        issues: [
          phrase === undefined
            ? rowIssue(source, 'answer', 'there is no phrase', 'Give the phrases that refer to the box.')
            : rowIssue(source, 'bbox', `${bbox.length} numbers are not a box`, 'Give [x, y, width, height].'),
        ],
      };
    return {
      ok: true,
      row: {
        id: id ?? question_id,
        task: task ?? 'refer',
        images: images ?? image ?? [],
        turns: [
          {
            role: 'user',
            text: `<image>\nFind the region this refers to and give its box: ${phrase}`,
            field: 'answer',
          },
          { role: 'assistant', text: '<bbox>', field: 'bbox' },
        ],
        boxes: [{ numbers: bbox, image: 0 }],
        refs: [],
        said: { space: 'natural', layout: 'xywh', by: 'format' },
        ...ownSplit(split),
        source,
      },
    };
  },
};
