/** A row: one example, whatever format it came from. */
import type { Question } from '../benchmarks/index.ts';
import type { GroundedBox } from '../grounding/box.ts';
import type { PictureChange } from '../image/change.ts';

/** A piece of a message: text, the place of a picture, or a box written in the text. */
export type Segment =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: number }
  | {
      readonly type: 'box';
      readonly box: GroundedBox;
      /** How its file writes it inside JSON: the list or object, with `$x1` … `$cy` for its numbers. */
      readonly spelling?: string;
    };

/** A box where it stands in a message. */
export type BoxSegment = Extract<Segment, { readonly type: 'box' }>;

/** What an answer is beyond its text. */
export interface Answered {
  /** The thinking part, without its tags. */
  readonly think?: string;
  /** It says that there is nothing to find: taught as an empty answer in the form of the others. */
  readonly nothing?: true;
}

export interface Message extends Answered {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly Segment[];
}

/**
 * One sample, whatever file format it came from. The last message is the assistant's target where the row has one.
 * Boxes are fractions of the picture and are written in the model's own convention only when a row is encoded.
 */
export interface Row extends Answered {
  readonly id: string;
  /** MIG-Bench's task key where known (`common_object`, `diff`, …), else the dataset's own `type`, else ''. */
  readonly task: string;
  readonly split: 'train' | 'heldout';
  /** Paths inside the dataset, in the order the prompt shows them. */
  readonly images: readonly string[];
  /** One a picture, of a row whose pictures are changed for one draw: its boxes are those on the changed pictures. */
  readonly changes?: readonly PictureChange[];
  /** Everything up to the assistant's last turn. Earlier answers in it are taught as the last one is. */
  readonly prompt: readonly Message[];
  /** The target after the thinking part (without <answer> tags); boxes kept apart from text. */
  readonly answer: readonly Segment[];
  /** The words around the boxes are taught as well. */
  readonly words?: true;
  /** Answers in the prompt are not taught. */
  readonly lastOnly?: true;
  /** Boxes a correct answer must contain. Empty for rows that are not grounding. */
  readonly solution: readonly GroundedBox[];
  readonly provenance?: Provenance;
  /** Of a thought that was not in the dataset. */
  readonly thoughtBy?: ThoughtProvenance;
  /** The question of a benchmark that the row is: held out whatever is said, and scored by the benchmark's rule. */
  readonly benchmark?: Question;
  /** Its prompt is its benchmark's published one: no words are put around it. */
  readonly published?: true;
  /** Where the row came from, for messages: file and 1-based line or index. */
  readonly source: { readonly file: string; readonly line: number };
  /** Of a row that a person has edited: how many changes hold, and why it is left out, if it is. */
  readonly edits?: { readonly changes: number; readonly excluded?: string };
}

/** Of a row that was made of annotations: what of. Ids are those of its file. */
export interface Provenance {
  readonly kind: string;
  readonly seed: number;
  readonly images: readonly string[];
  readonly annotations: readonly string[];
}

/** Where a thought came from. `hinted`: the true boxes were in the prompt that it was written to. */
export type ThoughtProvenance =
  | {
      readonly who: 'itself';
      readonly hinted: boolean;
      /** The stage that asked for it, and the run's seed. */
      readonly stage: string;
      readonly seed: number;
    }
  | {
      readonly who: 'teacher';
      readonly hinted: boolean;
      readonly model: string;
      /** Where it was asked, without any key. */
      readonly endpoint: string;
      readonly temperature: number;
      /** Number of the answer to the same question, from 0. */
      readonly sample: number;
      /** A person has changed its words. */
      readonly edited?: true;
    };

/** What is wrong with a row of a dropped dataset; the good rows are kept. */
export interface RowIssue {
  readonly file: string;
  /** 1-based line (JSONL) or element index (JSON). 0: the file as a whole. */
  readonly line: number;
  readonly field: string;
  readonly reason: string;
  /** What the user can do about it. */
  readonly fix: string;
  readonly severity: 'error' | 'warning';
  /** What kind of fault it is, for those that are counted. */
  readonly fault?: Fault;
}

export type Fault = 'not-taught' | 'picture-missing' | 'picture-unreadable' | 'box-outside';

/** Every box that is written in a row's messages, in reading order. */
export const boxSegments = ({ prompt, answer }: Pick<Row, 'prompt' | 'answer'>): BoxSegment[] =>
  [...prompt.flatMap(({ content }) => content), ...answer].filter((segment) => segment.type === 'box');

/** All words of a row, as they are searched. */
export const wordsOf = (row: Row): string =>
  [
    row.id,
    row.think ?? '',
    ...[...row.prompt.flatMap(({ content }) => content), ...row.answer].map((segment) =>
      segment.type === 'text' ? segment.text : segment.type === 'box' ? (segment.box.label ?? '') : '',
    ),
  ].join(' ');
