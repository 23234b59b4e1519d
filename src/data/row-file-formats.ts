/** The formats in which rows are written as files, for whoever chooses one. How each is written: row-files.ts. */
export type RowFileFormat = 'marks' | 'messages-tokens' | 'messages-json' | 'coco';

export interface RowFileWords {
  readonly label: string;
  /** What of a row the form has no place for. */
  readonly loses: string;
  readonly ending: 'jsonl' | 'json';
}

export const ROW_FILE_FORMATS: Readonly<Record<RowFileFormat, RowFileWords>> = {
  marks: { label: 'JSON Lines with marks (ms-swift grounding)', loses: '', ending: 'jsonl' },
  'messages-tokens': {
    label: 'messages (LLaMA-Factory, ms-swift), boxes as for Qwen2-VL',
    loses: 'Boxes are rounded to thousandths of the picture.',
    ending: 'jsonl',
  },
  'messages-json': {
    label: 'messages (LLaMA-Factory, ms-swift), boxes as for Qwen3-VL',
    loses: 'Boxes are rounded to thousandths of the picture.',
    ending: 'jsonl',
  },
  coco: {
    label: 'COCO detection annotations',
    loses: 'Questions, thoughts and words are left out. An object of several rows is written once.',
    ending: 'json',
  },
};
