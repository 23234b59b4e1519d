/** The part of the protocol for thoughts of a teacher. The engine opens no connection: letters are carried by whoever hears of them. */
import type { DatasetReport } from '../../data/dataset-report.ts';
import type { TeacherAddress } from '../../train/teacher/address.ts';
import type { ChatTurn } from '../../train/teacher/chat.ts';
import type { Delivery, Letter, Undelivered } from '../../train/teacher/courier.ts';
import type { TeacherCounts, TeacherTrouble } from '../../train/teacher/teacher.ts';
import type { Fault } from '../../train/synthesis/filters.ts';
import type { TaughtCandidate, TeachProgress } from '../../train/synthesis/teach.ts';
import type { TeachSettings } from '../../train/synthesis/teach-settings.ts';

export type { TeacherAddress } from '../../train/teacher/address.ts';
export type { ChatTurn } from '../../train/teacher/chat.ts';
export type { Delivery, Letter } from '../../train/teacher/courier.ts';
export type { TaughtCandidate } from '../../train/synthesis/teach.ts';
export type { TeachSettings } from '../../train/synthesis/teach-settings.ts';

/** What came of a letter: an answer, or why there is none. */
export type Carried = Delivery | { readonly undelivered: Undelivered['why'] };

/** What would leave. */
export interface ThoughtsPlan {
  readonly address: TeacherAddress;
  /** Rows that would be asked, and those with true boxes that have a thought already. */
  readonly rows: number;
  readonly withThought: number;
  /** Questions at least, and at most: rows without a right answer are asked again. */
  readonly questions: readonly [least: number, most: number];
  /** Different pictures, and bytes of a question's pictures on average over the first rows. */
  readonly pictures: number;
  readonly bytesPerQuestion: number;
  /** The first row as it would be asked; with the hint as well, if rows are asked again. */
  readonly example: {
    readonly rowId: string;
    readonly turns: readonly ChatTurn[];
    readonly hint: string | null;
  } | null;
  /** A model is loaded: thoughts that name coordinates in another space than its own are dropped. */
  readonly spaceChecked: boolean;
}

/** What a person, or nobody yet, has said of a candidate. */
export type Verdict = 'accepted' | 'rejected' | null;

export interface JudgedCandidate extends TaughtCandidate {
  readonly verdict: Verdict;
  /** The row has this thought now. */
  readonly taken: boolean;
}

export type ThoughtFilter = Fault | 'all' | 'kept' | 'accepted' | 'rejected';

export interface ThoughtCount {
  readonly filter: ThoughtFilter;
  readonly label: string;
  readonly count: number;
}

export type ThoughtsRequest =
  /** Throws `teacher-address`. */
  | {
      readonly type: 'thoughts-plan';
      readonly dataset: string;
      readonly endpoint: string;
      readonly settings: TeachSettings;
    }
  /** Names of the teacher's models; null: it does not say. */
  | { readonly type: 'teacher-models'; readonly endpoint: string }
  /** Answered at the end. Throws what ends all questions (train/teacher); candidates that were there by then stay. */
  | {
      readonly type: 'thoughts-start';
      readonly dataset: string;
      readonly endpoint: string;
      readonly settings: TeachSettings;
      readonly concurrency: number;
    }
  | { readonly type: 'thoughts-stop' }
  | {
      readonly type: 'thoughts';
      readonly dataset: string;
      readonly filter: ThoughtFilter;
      readonly offset: number;
      readonly count: number;
    }
  /** Accepting makes an edit of the row; rejecting takes it back. `words`: the thought as a person has written it. */
  | {
      readonly type: 'thoughts-judge';
      readonly dataset: string;
      readonly project: string | null;
      readonly id: string;
      readonly verdict: Verdict;
      readonly words?: string;
    }
  /** Gives each row that has none the first of its kept thoughts, as edits. */
  | { readonly type: 'thoughts-take'; readonly dataset: string; readonly project: string | null }
  /** Rows with kept and accepted thoughts as JSON Lines; several of a row as rows of their own. */
  | { readonly type: 'thoughts-file'; readonly dataset: string }
  /** Deletes replies that are kept to be asked no more, and what was said of them. */
  | { readonly type: 'thoughts-forget' }
  | { readonly type: 'teacher-carried'; readonly letter: number; readonly carried: Carried };

export interface ThoughtsReplies {
  'thoughts-plan': ThoughtsPlan;
  'teacher-models': readonly string[] | null;
  'thoughts-start': { readonly rows: number; readonly taught: number; readonly stopped: boolean };
  'thoughts-stop': null;
  thoughts: {
    readonly total: number;
    readonly candidates: readonly JudgedCandidate[];
    readonly counts: readonly ThoughtCount[];
    /** Questions without an answer, by why. */
    readonly unanswered: readonly { readonly why: string; readonly count: number }[];
  };
  'thoughts-judge': DatasetReport;
  'thoughts-take': { readonly report: DatasetReport; readonly taken: number };
  'thoughts-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'thoughts-forget': null;
  'teacher-carried': null;
}

export type ThoughtsEvent =
  /** To be carried to `base` + its path, and to nowhere else. */
  | { readonly type: 'teacher-letter'; readonly id: number; readonly base: string; readonly letter: Letter }
  /** Nobody waits for its answer any more. */
  | { readonly type: 'teacher-recall'; readonly id: number }
  | ({
      readonly type: 'thoughts-progress';
      readonly counts: TeacherCounts;
      readonly trouble: TeacherTrouble | null;
    } & TeachProgress);
