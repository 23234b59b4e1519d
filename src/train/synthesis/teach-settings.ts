/** What a teacher is asked, and which of its thoughts are kept. */
import type { ChatSettings } from '../teacher/chat.ts';
import type { FilterSettings } from './filters.ts';

/** In which numbers a teacher says where something is. */
export const TEACHER_SPACES = ['thousandths', 'pixels'] as const;
export type TeacherSpace = (typeof TEACHER_SPACES)[number];

export interface TeachSettings extends ChatSettings, FilterSettings {
  /** Rows to ask, at most; 0: all that have true boxes and no thought. */
  readonly limit: number;
  /** Answers to a question. */
  readonly samples: number;
  /** A row without a right answer is asked again with its true boxes. */
  readonly rationalise: boolean;
  readonly thoughtsPerRow: number;
  /** Of the teacher's coordinates. */
  readonly space: TeacherSpace;
  /** Words before everything else; '': none. */
  readonly system: string;
  readonly seed: number;
}

export const TEACH_DEFAULTS: TeachSettings = {
  model: '',
  temperature: 0.7,
  topP: 1,
  maxTokens: 2048,
  limit: 0,
  samples: 4,
  rationalise: true,
  thoughtsPerRow: 1,
  iouThreshold: 0.5,
  minThoughtWords: 4,
  maxThoughtWords: 200,
  space: 'thousandths',
  system: '',
  seed: 0,
};
