/** What the dataset formats have in common, as their files state it: texts, picture references, loose numbers. */
import * as v from 'valibot';
import type { BenchmarkName, BenchmarkTitle, Question } from '../benchmarks/index.ts';
import type { Size } from '../grounding/box.ts';
import type { Convention } from './dataset-ref.ts';
import type { RowFormatName } from './formats/table.ts';
import type { LedgerKey } from './ledger.ts';
import type { Provenance, RowIssue } from './row.ts';

export type FormatName = RowFormatName | BenchmarkTitle | 'COCO' | 'COCO, composed' | 'RefCOCO' | 'VOC' | 'YOLO';

/** A box kept apart from the text, taken up by the text's `<bbox>` marks in order. */
export interface RawBox {
  readonly numbers: readonly number[];
  /** Picture, from 0; null if unsaid. */
  readonly image: number | null;
}

export interface RawTurn {
  readonly role: string;
  readonly text: string;
  /** For messages: `conversations[1].value`. */
  readonly field: string;
}

/** `row`: this row's own word, which is believed. `format`: what files of this form mean, which may be doubted. */
export interface Said extends Convention {
  readonly by: 'row' | 'format';
}

export interface RawRow {
  readonly format: FormatName;
  readonly id: string | null;
  readonly task: string;
  readonly images: readonly string[];
  /** Pictures that the turns name, beside a list of them. */
  readonly named?: readonly string[];
  readonly turns: readonly RawTurn[];
  readonly boxes: readonly RawBox[];
  /** Texts for `<ref-object>` marks. */
  readonly refs: readonly string[];
  /** What the numbers of `boxes` are, and who says so; null: to be found out. */
  readonly said: Said | null;
  /** Sizes of the pictures as the file gives them, by place. */
  readonly sizes?: readonly (Size | null)[];
  /** Each box is one annotation of many: one that is wrong is dropped, not the row. */
  readonly separable?: true;
  /** What the reader did to the row beyond reading it. */
  readonly done?: readonly LedgerKey[];
  /** What the row itself says about its part: `train`, `val`, `testA`. */
  readonly split?: string;
  readonly provenance?: Provenance;
  /** The question of a benchmark that the row is: it is never trained on. */
  readonly benchmark?: Question;
  /** Of a benchmark, also where its question cannot be read: held out whatever is said. */
  readonly barred?: BenchmarkName;
  /** It could as well be one of the user's own, who has not said. */
  readonly asked?: true;
  readonly source: { readonly file: string; readonly line: number };
}

/** Whether a row is of a benchmark: never trained on. */
export const isBarred = ({ benchmark, barred }: RawRow): boolean => benchmark !== undefined || barred !== undefined;

export type Source = RawRow['source'];
export type ReadRow =
  | { readonly ok: true; readonly row: Omit<RawRow, 'format'> }
  | { readonly ok: false; readonly issues: readonly RowIssue[] };

/** One dataset format: how to know it and how to read it. Its name is its key in formats/table.ts. */
export interface RowFormat {
  /** By its keys only; the values may still be wrong. */
  matches(value: Readonly<Record<string, unknown>>): boolean;
  read(value: Readonly<Record<string, unknown>>, source: Source): ReadRow;
}

export const rowIssue = (
  source: Source,
  field: string,
  reason: string,
  fix: string,
  severity: RowIssue['severity'] = 'error',
): RowIssue => ({
  ...source,
  field,
  reason: short(reason),
  fix: short(fix),
  severity,
});

/** A picture in a text has hundreds of thousands of characters; no message is as long. */
const LONGEST = 400;
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** What schemas expect, and what rows have instead, in words. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const kindOf = (value: unknown): string =>
  value === null ? 'empty' : Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? 'something else');

/** A schema's complaints as row issues, each with its path. */
export function schemaIssues(issues: readonly v.BaseIssue<unknown>[], source: Source): RowIssue[] {
  return issues.map((issue) => {
    const path = (v.getDotPath(issue) ?? '').replace(/\.(\d+)(?=\.|$)/g, '[$1]');
    if (issue.received === 'undefined') return rowIssue(source, path, 'it is missing', `Add “${path}” to the row.`);
    const wanted = KINDS[issue.type];
    return wanted === undefined
      ? rowIssue(source, path, issue.message, `Correct “${path}”.`)
      : rowIssue(source, path, `it should be ${wanted}, and is ${kindOf(issue.input)}`, `Correct “${path}”.`);
  });
}

// What several formats share.
const pathText = v.pipe(v.string(), v.nonEmpty('the path is empty'));
const picture = v.union(
  [
    pathText,
    v.pipe(
      v.looseObject({}),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        // The Hub's bytes have become the name of a picture in the file (tables/inline-pictures.ts).
        const fields = dataset.value as Fields;
        const path = ['bytes', 'path', 'url', 'image', 'image_url', 'file_name']
          .map((key) => fields[key])
          .find((each) => typeof each === 'string' && each !== '');
        if (typeof path === 'string') return path;
        addIssue({ message: 'it names no picture: give path or url' });
        return NEVER;
      }),
    ),
  ],
  'it should be the path of a picture',
);

/** One path, a list of paths, or objects with a `path`. */
export const imagesSchema = v.union(
  [
    v.array(picture),
    v.pipe(
      picture,
      v.transform((path) => [path]),
    ),
  ],
  'it should be a path or a list of paths',
);

/** A number or a text; numbers become text. */
export const idSchema = v.optional(v.nullable(v.pipe(v.union([v.string(), v.number()]), v.transform(String))), null);

const mark = (path?: string) => ({ text: '<image>', pictures: path === undefined ? [] : [path] });

const TEXT_KEYS = ['text', 'value', 'content'];
const PICTURE_KEYS = ['image', 'image_url', 'url', 'path', 'value'];

/** The first of these that is a text, or an object with an address or a path. */
function said(part: Readonly<Record<string, unknown>>, keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = part[key];
    const inner =
      typeof value === 'object' && value !== null ? ((value as Fields).url ?? (value as Fields).path) : value;
    if (typeof inner === 'string' && inner !== '') return inner;
  }
  return null;
}

type Fields = Readonly<Record<string, unknown>>;

/** OpenAI's, Qwen's, TRL's and LLaMA-Factory's parts; some leave out the type. */
const part = v.pipe(
  v.looseObject({}),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const fields = dataset.value as Fields;
    const type = fields.type ?? (TEXT_KEYS.some((key) => key in fields) ? 'text' : 'image');
    if (typeof type === 'string' && /^(?:(?:input|output)_)?text$|^reasoning$/.test(type)) {
      const text = TEXT_KEYS.map((key) => fields[key]).find((each) => typeof each === 'string');
      if (text !== undefined) {
        const thought = type === 'reasoning' ? `<think>${text as string}</think>` : (text as string);
        return { text: thought, pictures: [] as string[] };
      }
    }
    if (typeof type === 'string' && /^(?:input_)?image(?:_url)?$/.test(type)) {
      const given = PICTURE_KEYS.some((key) => fields[key] !== undefined && fields[key] !== null);
      const path = said(fields, PICTURE_KEYS);
      if (path !== null || !given) return mark(path ?? undefined);
    }
    addIssue({ message: 'it is no text and no image' });
    return NEVER;
  }),
);

/**
 * Text, or a list of parts, as text with `<image>` marks. Parts may name their pictures, as Qwen's (`image`) and OpenAI's
 * (`image_url`) do; TRL's do not.
 */
export const contentSchema = v.union(
  [
    v.pipe(
      v.string(),
      v.transform((text) => ({ text, pictures: [] as string[] })),
    ),
    v.pipe(
      v.array(part),
      v.transform((parts) => ({
        text: parts.map(({ text }) => text).join(''),
        pictures: parts.flatMap(({ pictures }) => pictures),
      })),
    ),
  ],
  'it should be text, or a list of text and image parts',
);

export type Content = v.InferOutput<typeof contentSchema>;

/** Of rows with turns: pictures in one list, or named by the turns; and what the system says, where it is no turn. */
export const talkEntries = {
  images: v.optional(v.nullable(imagesSchema)),
  image: v.optional(v.nullable(imagesSchema)),
  system: v.fallback(v.optional(v.string()), undefined),
  system_prompt: v.fallback(v.optional(v.string()), undefined),
};

/** A row's turns and pictures. A list of pictures counts before those that turns name. */
export function talkOf(
  {
    images,
    image,
    system,
    system_prompt: prompt,
  }: { readonly [key in keyof typeof talkEntries]?: v.InferOutput<(typeof talkEntries)[key]> },
  said: readonly (RawTurn & { readonly pictures?: readonly string[] })[],
): Pick<RawRow, 'images' | 'turns' | 'named'> {
  const turns = said.map(({ role, text, field }): RawTurn => ({ role, text, field }));
  const named = said.flatMap(({ pictures = [] }) => pictures);
  const beside = system || prompt;
  return {
    images: images ?? image ?? named,
    ...(named.length && { named }),
    turns:
      beside && turns[0]?.role !== 'system' ? [{ role: 'system', text: beside, field: 'system' }, ...turns] : turns,
  };
}

/** What the row says about its part. */
export const splitSchema = v.fallback(v.optional(v.string()), undefined);

/** `split` for a raw row, left out where there is none. */
export const ownSplit = (split: string | undefined): { readonly split?: string } =>
  split === undefined ? {} : { split };

export const quadSchema = v.array(v.pipe(v.number(), v.finite()), 'it should be a list of numbers');
