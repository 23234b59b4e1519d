/**
 * How the rows of a plan are asked: system text, the form of the answer, names of the pictures; for all rows, and for
 * those of a task. One definition for what is taught, sampled, evaluated and exported. Words are put around the row as it
 * is written; nothing of it is taken away but a thought that is not to be taught.
 */
import { textHash } from '../base/columns.ts';
import { Random } from '../base/random.ts';
import type { Message, Row, Segment } from '../data/row.ts';
import { choice, own, real, text, type Schema } from './stages/schema.ts';

export const ANSWER_FORMS = ['as-written', 'think', 'answer', 'mix'] as const;

/** What an answer is asked to be. `as-written`: what the row itself asks for, and no words are added. */
export type AnswerForm = (typeof ANSWER_FORMS)[number];
/** The form that one row is asked in. */
export type RowForm = Exclude<AnswerForm, 'mix'>;

export interface AskedHow {
  /** Stands before the conversation, and before a system text of the row's own. Empty: none is added. */
  readonly system: string;
  readonly answerForm: AnswerForm;
  /** Of a mix, the share of rows that are to think first. */
  readonly thinkShare: number;
  /** Added to the question of a row that is to think first. `{boxes}`: how the model writes boxes; … where none are asked for. */
  readonly thinkWords: string;
  /** Added to the question of a row that is to answer at once. */
  readonly answerWords: string;
  /** Stands before each picture; `{n}` is its number, from 1. Empty: none is added. */
  readonly pictureName: string;
}

export interface PromptSettings extends AskedHow {
  /** What is different for rows of a task. */
  readonly tasks?: Readonly<Record<string, Partial<AskedHow>>>;
}

export const PROMPT: PromptSettings = {
  system: '',
  answerForm: 'as-written',
  thinkShare: 0.5,
  thinkWords:
    'First output the thinking process in <think> </think> tags and then output the final answer in <answer> </answer> tags, as <answer>{boxes}</answer>.',
  answerWords: 'Output only the final answer in <answer> </answer> tags, as <answer>{boxes}</answer>.',
  pictureName: '',
};

const optional = { ...own, optional: true, later: true } as const;

export const PROMPT_SCHEMA: Schema<AskedHow> = {
  system: text(4000, optional),
  answerForm: choice(ANSWER_FORMS, optional),
  thinkShare: real(0, 1, optional),
  thinkWords: text(2000, optional),
  answerWords: text(2000, optional),
  pictureName: text(60, optional),
};

/** Prompts to start from. */
export const PROMPT_TEMPLATES: readonly { readonly title: string; readonly prompt: PromptSettings | null }[] = [
  { title: 'As the rows are written', prompt: null },
  { title: 'Think, then answer', prompt: { ...PROMPT, answerForm: 'think' } },
  { title: 'Answer only', prompt: { ...PROMPT, answerForm: 'answer' } },
  { title: 'A mix of both', prompt: { ...PROMPT, answerForm: 'mix' } },
];

/** What holds for a task. */
export const askedHow = ({ tasks, ...all }: PromptSettings, task: string): AskedHow => ({ ...all, ...tasks?.[task] });

/** Characters of a box as a model's prompt shows it, and of what stands around it. */
const BOX_CHARACTERS = 60;

/** Characters that a prompt puts around a row, at most. */
export function promptCharacters(prompt: PromptSettings, { task, images }: Pick<Row, 'task' | 'images'>): number {
  const { system, thinkWords, answerWords, pictureName } = askedHow(prompt, task);
  const words = Math.max(thinkWords.length, answerWords.length) + BOX_CHARACTERS;
  return system.length + words + images.length * pictureName.length;
}

/** Control tokens of the families: in a prompt they would end a turn, or stand for a picture. */
const CONTROL = /<\|[a-z_][a-z0-9_]{1,40}\|>|<end_of_utterance>|<image>|<fake_token_around_image>/;

/** Why a prompt cannot be used. */
export function promptFaults(prompt: PromptSettings): string[] {
  const parts = [['', prompt] as const, ...Object.entries(prompt.tasks ?? {})];
  return parts.flatMap(([task, { system = '', thinkWords = '', answerWords = '', pictureName = '' }]) => {
    const where = task === '' ? '' : ` for “${task}”`;
    const control = [system, thinkWords, answerWords, pictureName].map((words) => CONTROL.exec(words)?.[0]);
    const found = control.find((token) => token !== undefined);
    return [
      ...(found === undefined ? [] : [`The prompt${where} contains ${found}, a control token of a model.`]),
      ...(pictureName !== '' && !pictureName.includes('{n}')
        ? [`The name of pictures${where} has no {n}, so all pictures would have the same name.`]
        : []),
    ];
  });
}

/** How a plan asks, with the seed that draws the form of each row. */
export class Prompting {
  readonly settings: PromptSettings;
  /** Tells it from other ways to ask. */
  readonly key: string;
  readonly #seed: number;

  constructor(settings: PromptSettings, seed: number) {
    this.settings = settings;
    this.#seed = seed;
    this.key = JSON.stringify([settings, seed]);
  }

  /**
   * The form that a row is asked in: of a mix it depends on the seed and the row's id alone, so that it is the same in
   * every stage, epoch and resumed run.
   * @param taught its target is learned: a row without a thought cannot teach to think, and is asked for the answer
   */
  formOf(row: Row, taught: boolean): RowForm {
    const { answerForm, thinkShare } = askedHow(this.settings, row.task);
    if (row.published || answerForm === 'as-written') return 'as-written';
    const thinks = answerForm === 'mix' ? this.#draw(row.id) < thinkShare : answerForm === 'think';
    return thinks && !(taught && row.think === undefined) ? 'think' : 'answer';
  }

  #draw(id: string): number {
    return new Random(textHash(`form ${this.#seed} ${id}`)).uniform();
  }

  /**
   * The row as it is asked in a form: the words around it, and no thought where none is to be taught.
   * @param example how the model writes boxes, in an answer about so many pictures
   */
  ask(row: Row, form: RowForm, example: (pictures: number) => string): Row {
    if (row.published) return row;
    const { system, thinkWords, answerWords, pictureName } = askedHow(this.settings, row.task);
    const added = form === 'think' ? thinkWords : form === 'answer' ? answerWords : '';
    const boxes = row.nothing || row.solution.length > 0;
    const words = added.replaceAll('{boxes}', () => (boxes ? example(row.images.length) : '…'));
    const last = row.prompt.findLastIndex(({ role }) => role === 'user');
    const prompt = row.prompt.map((message, i): Message => {
      const named = pictureName === '' ? message.content : withNames(message.content, pictureName);
      const content: readonly Segment[] =
        i === last && words !== '' ? [...named, { type: 'text', text: `${joint(named)}${words}` }] : named;
      return { ...message, content };
    });
    const { think, ...thoughtless } = row;
    return {
      ...(form === 'answer' || think === undefined ? thoughtless : row),
      prompt: system === '' ? prompt : withSystem(prompt, system),
    };
  }
}

/** What stands between a question and the words after it. */
function joint(content: readonly Segment[]): string {
  const last = content.at(-1);
  if (last === undefined) return '';
  return last.type === 'text' && /(?:^|\s)$/.test(last.text) ? '' : ' ';
}

/** A name before each picture that does not have it already. */
function withNames(content: readonly Segment[], pictureName: string): Segment[] {
  return content.flatMap((segment, i): Segment[] => {
    if (segment.type !== 'image') return [segment];
    const name = pictureName.replaceAll('{n}', String(segment.image + 1));
    const before = content[i - 1];
    const has = before?.type === 'text' && before.text.trimEnd().endsWith(name.trim());
    return has ? [segment] : [{ type: 'text', text: name }, segment];
  });
}

function withSystem(prompt: readonly Message[], system: string): Message[] {
  const [first, ...rest] = prompt;
  if (first?.role !== 'system') return [{ role: 'system', content: [{ type: 'text', text: system }] }, ...prompt];
  return [{ ...first, content: [{ type: 'text', text: `${system}\n\n` }, ...first.content] }, ...rest];
}

/** How a plan asks its rows; null: as they are written. */
export const promptingOf = ({
  prompt,
  seed,
}: {
  readonly prompt?: PromptSettings;
  readonly seed: number;
}): Prompting | null => (prompt ? new Prompting(prompt, seed) : null);
