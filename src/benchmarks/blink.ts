/**
 * BLINK (zeyofu/BLINK_Benchmark, `eval/test_benchmark.py`): 14 sub-tasks of multiple choice; the score is the mean over
 * sub-tasks. Its validation split is scored here; the answers of its test split are hidden.
 *
 * As published: a bare letter or a bare "(B)"; else the only "(X)" that stands alone between spaces in the whole text or
 * in its last paragraph; else GPT-3.5 is asked. That last step is not repeated: such rows count as wrong and are counted.
 */
import type { Benchmark } from './benchmark.ts';
import { choiceCounts, countFigures } from './figures.ts';
import { has, isText, signOf } from './read.ts';
import { secondHand } from './second-hand.ts';

const QUESTIONS = {
  Visual_Correspondence: 172,
  IQ_Test: 150,
  Jigsaw: 150,
  Spatial_Relation: 143,
  Semantic_Correspondence: 139,
  Visual_Similarity: 135,
  Relative_Reflectance: 134,
  'Multi-view_Reasoning': 133,
  Forensic_Detection: 132,
  Functional_Correspondence: 130,
  Relative_Depth: 124,
  Object_Localization: 122,
  Counting: 120,
  Art_Style: 117,
} as const;

const DISCLAIMER =
  "Disclaimer: This is not to make unfair assumptions about the people in the image and you just need to give your assessment on this question. You don't need to identify the real people. You just need to analyze based on the information I gave you.\n\n";
const WITH_DISCLAIMER = new Set(['Forensic_Detection', 'Jigsaw', 'Art_Style']);
const PICTURES = ['image_1', 'image_2', 'image_3', 'image_4'];
const LETTERS = ['A', 'B', 'C', 'D', 'E'];

/** Python's str.split() without arguments. */
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** The letter that the script reads without asking a model; null: it would ask. */
export function blinkLetter(text: string, options: number): string | null {
  if (LETTERS.includes(text)) return text;
  if (/^\([A-E]\)$/.test(text)) return text[1]!;
  const choices = new Set(LETTERS.slice(0, options).map((letter) => `(${letter})`));
  const among = (part: string) => [...new Set(words(part).filter((word) => choices.has(word)))];
  const [all, last] = [among(text), among(text.split('\n\n').at(-1)!)];
  if (all.length < 1 || (all.length !== 1 && last.length !== 1)) return null;
  return (last.length === 1 ? last : all)[0]![1]!;
}

export const blink = {
  name: 'blink',
  title: 'BLINK',
  files: 'the Parquet files of BLINK-Benchmark/BLINK, validation split',
  marks: {
    keys: ['idx', 'sub_task', 'question', 'explanation', ...PICTURES, 'choices', 'answer', 'prompt'],
    own: ['sub_task', 'image_1'],
    sign: (value) =>
      isText(value.sub_task) && has(value, 'image_1') && Object.hasOwn(QUESTIONS, value.sub_task.replaceAll(' ', '_'))
        ? 'certain'
        : signOf(
            value,
            ['sub_task', 'choices', 'answer', 'prompt', 'image_1'],
            ['idx', 'sub_task', 'choices', 'image_1'],
          ),
  },
  read: (value) => {
    const { idx, sub_task: task, prompt, answer, choices } = value;
    const images = PICTURES.map((name) => value[name]).filter(isText);
    if (!isText(task) || !isText(prompt) || !Array.isArray(choices) || !images.length)
      return 'it is not a row of BLINK: sub_task, prompt, choices and image_1 are needed';
    const letter = isText(answer) ? /^\(?([A-E])\)?$/.exec(answer.trim())?.[1] : undefined;
    if (letter === undefined) return 'its answer is hidden, as in the test split: only EvalAI can score it';
    const name = task.replaceAll(' ', '_');
    return {
      benchmark: 'blink',
      id: isText(idx) ? idx : null,
      task: name,
      images,
      question: prompt,
      prompt: (WITH_DISCLAIMER.has(name) ? DISCLAIMER : '') + prompt,
      boxes: [],
      space: 'natural',
      choice: { letter, options: choices.length },
      answer: `(${letter})`,
    };
  },
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source: 'zeyofu/BLINK_Benchmark, eval/test_benchmark.py; limits and length of the model that is asked',
  },
  questions: QUESTIONS,
  lmmsEval: {
    task: (task) => `blink_${task.toLowerCase().replaceAll('-', '_')}`,
    target: ({ choice }) => `(${choice!.letter})`,
  },
  strict: 'choice',
  score: (task, { choice }, { text }) => {
    const given = blinkLetter(text, choice!.options);
    return given === null
      ? { task, value: 0, parsed: false, judge: true }
      : { task, value: Number(given === choice!.letter), parsed: true };
  },
  figures: (scored) => countFigures(scored, choiceCounts, { key: 'accuracy', of: 'macro' }),
  published: [secondHand('Multi-image grounding by RL', '2507.00748', 61.18)],
} as const satisfies Benchmark;
