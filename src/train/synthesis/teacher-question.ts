/**
 * A row as a teacher is asked it: its own turns, a name before each picture, and at the end the form of the answer and
 * the space of its coordinates. And what is read in the teacher's answer.
 */
import type { Row } from '../../data/row.ts';
import { answerInstruction, promptMessages } from '../../data/target.ts';
import type { Size } from '../../grounding/box.ts';
import { CONVENTIONS, type BoxConvention } from '../../grounding/convention.ts';
import { parseAnswer } from '../../grounding/parse.ts';
import type { ReadAnswer } from '../read-answer.ts';
import type { ChatTurn, TeacherReply } from '../teacher/chat.ts';
import type { TeacherSpace } from './teach-settings.ts';

const CONVENTION: Readonly<Record<TeacherSpace, BoxConvention>> = {
  thousandths: CONVENTIONS.qwen3_vl,
  pixels: CONVENTIONS.qwen2_5_vl,
};

const SPACE_WORDS: Readonly<Record<TeacherSpace, string>> = {
  thousandths: 'Coordinates run from 0 to 1000, in thousandths of the picture’s width and height.',
  pixels: 'Coordinates are pixels of the picture as it was sent.',
};

/** Rows that name their pictures themselves get no second name. */
const NAMES = /\bimage[\s_-]*#?1\s*[:：]/i;

/** @param natural sizes of its pictures, in their order */
export function teacherTurns(row: Row, natural: readonly Size[], space: TeacherSpace, system: string): ChatTurn[] {
  const convention = CONVENTION[space];
  const named = row.prompt.some(({ content }) => content.some((part) => part.type === 'text' && NAMES.test(part.text)));
  const instruction = `${answerInstruction(convention, row.images.length)} ${SPACE_WORDS[space]} Name things and places in the thinking process, not coordinates.`;
  const turns = promptMessages(row, convention, natural, { instruction, numberImages: !named }).map(
    ({ role, content }): ChatTurn => ({
      role,
      parts: content.map((part) => (part.type === 'text' ? part : { type: 'picture', path: row.images[part.image]! })),
    }),
  );
  return system.trim() === '' ? turns : [{ role: 'system', parts: [{ type: 'text', text: system.trim() }] }, ...turns];
}

/**
 * A teacher keeps the form if it has thought and boxes can be read: the row keeps its own boxes, and is taught in the
 * model's form.
 */
export function readTeacher(
  { thought, content }: TeacherReply,
  natural: readonly Size[],
  space: TeacherSpace,
): ReadAnswer {
  const context = { convention: CONVENTION[space], sizes: natural, mode: 'tolerant', thinking: 'optional' } as const;
  const answer = parseAnswer(content, context);
  const formatOk = thought !== null && answer.parsed;
  const thoughtBoxes = thought === null ? [] : parseAnswer(thought, context).boxes;
  return { ...answer, think: thought, formatOk, tagsOk: formatOk, thoughtBoxes };
}
