/** A plan's prompt as Python, for transformers: the conversation that an exported model was taught to answer. */
import type { Row, Segment } from '../data/row.ts';
import { box01 } from '../grounding/box.ts';
import { askedHow, Prompting, type PromptSettings, type RowForm } from './prompt.ts';

/** Stands for the question; in the snippet it is a variable. */
const QUESTION = '\u0000question\u0000';

const FORM_WORDS: Readonly<Record<RowForm, string>> = {
  'as-written': 'as the rows are written',
  think: 'to think first',
  answer: 'for the answer alone',
};

/** `example`: how the model writes boxes, in an answer about so many pictures. */
export const promptSnippet = (prompt: PromptSettings | null, example: (pictures: number) => string): string =>
  `${conversationSnippet(prompt, example)}\ninputs = processor.apply_chat_template(\n    messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"\n)`;

/** The conversation alone, as `messages`. */
export function conversationSnippet(prompt: PromptSettings | null, example: (pictures: number) => string): string {
  const tasks = prompt ? [undefined, ...Object.keys(prompt.tasks ?? {})] : [undefined];
  const parts = tasks.flatMap((task) => {
    const form = prompt ? askedHow(prompt, task ?? '').answerForm : 'as-written';
    const forms: readonly RowForm[] = form === 'mix' ? ['think', 'answer'] : [form];
    return forms.map((each) => {
      const where = task === undefined ? '' : `, task ${JSON.stringify(task)}`;
      return `# ${FORM_WORDS[each]}${where}\nmessages = [\n${conversation(prompt, each, task ?? '', example)}\n]`;
    });
  });
  return ['question = "…"', ...parts].join('\n');
}

function conversation(
  prompt: PromptSettings | null,
  form: RowForm,
  task: string,
  example: (pictures: number) => string,
): string {
  const row: Row = {
    id: 'snippet',
    task,
    split: 'train',
    images: ['first.png', 'second.png'],
    prompt: [
      {
        role: 'user',
        content: [
          { type: 'image', image: 0 },
          { type: 'image', image: 1 },
          { type: 'text', text: QUESTION },
        ],
      },
    ],
    answer: [],
    solution: [{ image: 0, box: box01(0, 0, 1, 1) }],
    source: { file: '', line: 0 },
  };
  const asked = prompt ? new Prompting(prompt, 0).ask(row, form, example) : row;
  return asked.prompt
    .map(
      ({ role, content }) =>
        `    {"role": "${role}", "content": [\n${content.map((part) => piece(part, row)).join('\n')}\n    ]},`,
    )
    .join('\n');
}

function piece(segment: Segment, { images }: Row): string {
  if (segment.type === 'image') return `        {"type": "image", "path": ${JSON.stringify(images[segment.image])}},`;
  const text = segment.type === 'text' ? segment.text : '';
  return `        {"type": "text", "text": ${text === QUESTION ? 'question' : JSON.stringify(text)}},`;
}
