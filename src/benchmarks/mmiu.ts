/**
 * MMIU (OpenGVLab/MMIU, `evaluate.py` and `evaluate_correct.py`): 52 tasks of multiple choice over several images; the
 * score is the mean over tasks. The prompt is that of thunlp/Migician's `mmiubench_eval`, which also shrinks pictures.
 *
 * As published: an answer that is one letter, without the brackets and full stops around it, is right if the letter is
 * in the row's `output`; any other is read by GPT-4o mini. That step is not repeated: such rows count as wrong and are
 * counted. An empty answer is wrong without asking. Beside it stands what Migician's script would print, with both its
 * faults: it counts every row twice, and leaves tasks without a hit out of its mean.
 */
import type { Benchmark, Scored } from './benchmark.ts';
import { byKey, choiceCounts, countFigures, meanOf } from './figures.ts';
import { isText, signOf, texts } from './read.ts';
import { secondHand } from './second-hand.ts';

const UNREADABLE = new Set(['', 'image none', 'model error or image error', 'image error', 'model error']);

/** One letter without punctuation, lower case; null: the script would ask a model; '': wrong without asking. */
export function mmiuLetter(text: string): string | null {
  const trimmed = text.trim();
  if (UNREADABLE.has(trimmed)) return '';
  const bare = trimmed
    .replaceAll('\u00a0', '')
    .trim()
    .replace(/^[.,()]+|(?<![.,()])[.,()]+$/g, '')
    .trim()
    .toLowerCase();
  return /^[a-n]$/.test(bare) ? bare : null;
}

/** The options of a row, one "A: …" a line. */
const optionsOf = (options: unknown): number =>
  isText(options) ? Math.max(1, [...options.matchAll(/^[^\S\n]*\(?[A-Z]\s*[:.)]/gm)].length) : 26;

/** What `mmiubench_eval` of thunlp/Migician prints: hits over twice the rows, over tasks with a hit. */
function migicianPrints(scored: readonly Scored[]): number {
  const shares = [...byKey(scored, ({ task }) => task).values()]
    .map((rows) => rows.filter(({ group }) => group === 'named').length / (2 * rows.length))
    .filter((value) => value > 0);
  return shares.length ? meanOf(shares) : NaN;
}

const WHOLE = ['task', 'question', 'context', 'options', 'input_image_path', 'output'];
const OWN = ['visual_input_component', 'input_image_path', 'context', 'options'];

export const mmiu = {
  name: 'mmiu',
  title: 'MMIU',
  files: 'test.json or the Parquet of FanqingM/MMIU-Benchmark with its folders of pictures',
  marks: {
    keys: [...WHOLE, 'visual_input_component', 'source'],
    own: ['visual_input_component', 'input_image_path'],
    sign: (value) => signOf(value, WHOLE, OWN),
  },
  read: ({ task, question, context, options, input_image_path: paths, output }) => {
    const images = texts(paths);
    if (!isText(task) || typeof question !== 'string' || typeof context !== 'string' || !images)
      return 'it is not a row of MMIU: task, question, context and input_image_path are needed';
    if (!isText(output)) return 'its output is empty; the published script leaves such rows out';
    const letter = output
      .trim()
      .replace(/[().\s]/g, '')
      .toUpperCase();
    const words = `Question:\n${question}\nSpecifically:\n${context}`;
    return {
      benchmark: 'mmiu',
      id: null,
      task,
      images,
      question: words,
      prompt: words,
      boxes: [],
      space: 'natural',
      choice: { letter, options: optionsOf(options) },
      answer: letter,
    };
  },
  protocol: {
    pictures: { longestSide: 800 },
    answerTokens: 128,
    source:
      'OpenGVLab/MMIU, evaluate.py and evaluate_correct.py; prompt, picture size and length of thunlp/Migician @ 7b868a2, eval/MIG_bench_eval.py',
  },
  questions: null,
  strict: 'choice',
  score: (task, { choice }, { text }) => {
    const given = mmiuLetter(text);
    // Migician's rule: the right letter stands anywhere in the answer.
    const named = text.includes(choice!.letter) ? { group: 'named' } : {};
    return given === null
      ? { task, value: 0, parsed: false, judge: true, ...named }
      : {
          task,
          value: Number(given !== '' && choice!.letter.toLowerCase().includes(given)),
          parsed: given !== '',
          ...named,
        };
  },
  figures: (scored, asPublished) =>
    countFigures(
      scored,
      choiceCounts,
      { key: 'accuracy', of: 'macro' },
      asPublished
        ? [
            {
              key: 'migician-prints',
              words: 'what Migician’s script prints (each row counted twice, tasks without a hit left out)',
              value: migicianPrints(scored),
              n: scored.length,
            },
          ]
        : [],
    ),
  published: [
    ...(
      [
        ['GPT-4o', 55.72],
        ['InternVL2', 50.3],
        ['Mantis', 45.58],
        ['LLaVA-interleave', 32.37],
        ['Idefics2-8B', 27.8],
        ['Random guess', 27.4],
      ] as const
    ).map(([model, average]) => ({
      model,
      figures: { average },
      source: 'leaderboard in the README of OpenGVLab/MMIU',
      samePrompt: false,
      sameRule: false,
      note: 'A language model read the answers, and the prompt is another.',
    })),
    secondHand('Multi-image grounding by RL', '2507.00748', 49.93),
    secondHand('GeM-VG', '2601.04777', 55.01),
    secondHand('Migician', '2601.04777', 54.89),
  ],
} as const satisfies Benchmark;
