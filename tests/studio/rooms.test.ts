import { describe, expect, it } from 'vitest';
import type { Answer, GroupCompletion, Row } from '../../src/engine/protocol/index.ts';
import { looksLikeModel, named } from '../../src/studio/rooms/data/intake-files.ts';
import { arrange, OUTCOMES, outcomeOf, tally, type GalleryFilter } from '../../src/studio/rooms/inspect/gallery.ts';
import { swappable } from '../../src/studio/rooms/inspect/swap-summary.tsx';
import { turned } from '../../src/grounding/picture-swap.ts';
import { judgeAnswers } from '../../src/studio/rooms/inspect/swap-test.tsx';
import { answerPart } from '../../src/studio/rooms/run/completion-card.tsx';
import { rescore, sumLedger, termName } from '../../src/studio/rooms/run/rescore.ts';
import { bytes, duration, value, withinSentence } from '../../src/studio/ui/format.ts';
import { etaOf } from '../../src/studio/ui/progress.tsx';
import type { AnswerPair } from '../../src/studio/state/answers.ts';
import { fakeData } from './fake/scenes.ts';

const file = (path: string) => ({ path, file: new Blob() });

describe('what was dropped', () => {
  it('one folder around everything gives the name and leaves the paths', () => {
    expect(named([file('set/a.jsonl'), file('set/images/1.png')])).toMatchObject({
      name: 'set',
      files: [{ path: 'a.jsonl' }, { path: 'images/1.png' }],
    });
  });
  it('several things keep their paths', () => {
    expect(named([file('a.jsonl'), file('images/1.png')])).toMatchObject({
      name: '2 files',
      files: [{ path: 'a.jsonl' }, { path: 'images/1.png' }],
    });
  });
  it('leaves out what systems put into folders', () => {
    expect(
      named([file('set/.DS_Store'), file('set/a.json'), file('__MACOSX/x')]).files.map(({ path }) => path),
    ).toEqual(['a.json']);
  });
  it('a checkpoint is told from a dataset', () => {
    expect(looksLikeModel(named([file('m/config.json'), file('m/model.safetensors')]))).toBe(true);
    expect(looksLikeModel(named([file('m/config.json'), file('m/train.jsonl')]))).toBe(false);
  });
});

describe('the gallery', () => {
  const { rows } = fakeData(1, 4, 0);
  const answer = (iou: number | null): Answer => ({
    policy: 'tuned',
    text: '',
    think: null,
    boxes: [],
    iou,
    rightImage: null,
    parsed: true,
  });
  const answers = new Map([
    [rows[0]!.id, { base: answer(0.2), tuned: answer(0.9) }],
    [rows[1]!.id, { base: answer(0.5), tuned: answer(0.1) }],
    [rows[2]!.id, { tuned: answer(0.4) }],
  ]);
  const all = { task: null, order: 'dataset', outcome: null, text: '', hitAt: 0.5 } as const;
  const shown = (part: Partial<GalleryFilter>) =>
    arrange(rows, answers, { ...all, ...part }).map((row: Row) => rows.indexOf(row));
  it('sorts by IoU and by gain, unanswered rows last', () => {
    expect(shown({ order: 'worst' })).toEqual([1, 2, 0, 3]);
    expect(shown({ order: 'best' })).toEqual([0, 2, 1, 3]);
    expect(shown({ order: 'gain' })).toEqual([0, 1, 2, 3]);
    const tasks = arrange(rows, answers, { ...all, order: 'task' }).map(({ task }) => task);
    expect(tasks).toEqual([...tasks].sort());
  });
  it('filters by task, by words in any case, and by what became of a row at a threshold', () => {
    expect(arrange(rows, answers, { ...all, task: 'diff' }).every((row) => row.task === 'diff')).toBe(true);
    expect(shown({ text: rows[2]!.id.toUpperCase() })).toEqual([2]);
    for (const hitAt of [0.05, 0.5, 0.95])
      for (const { key } of OUTCOMES)
        expect(shown({ outcome: key, hitAt })).toEqual(
          [0, 1, 2, 3].filter((i) => outcomeOf(answers.get(rows[i]!.id), hitAt) === key),
        );
    expect(shown({ outcome: 'unanswered' })).toContain(3);
  });
  it('counts hits at the threshold', () => {
    const { base, tuned } = tally(rows, answers, 0.5);
    const by = (policy: 'base' | 'tuned') =>
      [...answers.values()].flatMap((pair) => (pair[policy]?.iou == null ? [] : [pair[policy].iou]));
    expect([base, tuned]).toEqual(
      (['base', 'tuned'] as const).map((policy) => ({
        answered: by(policy).length,
        hits: by(policy).filter((v) => v >= 0.5).length,
      })),
    );
  });
});

describe('the image-swap test', () => {
  const at = (image: number | null) =>
    ({ boxes: image === null ? [] : [{ image, box: [0, 0, 1, 1] }] }) as unknown as Answer;
  it('moves every picture, and tells following from staying', () => {
    const order = turned(3);
    expect(order).toEqual([2, 0, 1]);
    // Picture 1 is now at place 2.
    expect(judgeAnswers(at(1), at(2), order)).toBe('follows');
    expect(judgeAnswers(at(1), at(1), order)).toBe('stays');
    expect(judgeAnswers(at(1), at(0), order)).toBe('elsewhere');
    expect(judgeAnswers(at(1), at(null), order)).toBe('unreadable');
  });
});

describe('the image-swap test over rows', () => {
  it('takes rows of several pictures that were answered with a box and call no image by its number', () => {
    const { rows } = fakeData(3, 12, 0);
    const [several, single, numbered, boxless, open] = rows
      .filter(({ images }) => images.length > 1)
      .map((row) => ({
        ...row,
        prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Find it.' }] }],
      }));
    const tuned = {
      policy: 'tuned',
      text: '',
      think: null,
      boxes: [{ image: 0, box: several!.solution[0]!.box }],
      iou: 1,
      rightImage: true,
      parsed: true,
    } as const;
    const asked = [
      several!,
      { ...single!, images: [single!.images[0]!] },
      {
        ...numbered!,
        prompt: [
          { role: 'user' as const, content: [{ type: 'text' as const, text: 'What of Image-2 is in Image-1?' }] },
        ],
      },
      boxless!,
      open!,
    ];
    const answers = new Map<string, AnswerPair>([
      ...[several!, single!, numbered!].map(({ id }) => [id, { tuned }] as const),
      [boxless!.id, { tuned: { ...tuned, boxes: [] } }] as const,
    ]);
    expect(swappable(asked, answers)).toEqual([several]);
  });
});

describe('the reward ledger', () => {
  const rules = (weights: Record<string, number>, iouThreshold: number | null = null) => ({ weights, iouThreshold });
  const completion = (iou: number, format: number): GroupCompletion => ({
    text: '',
    think: null,
    boxes: [],
    rewards: { iou, format },
    reward: 0,
    advantage: 0,
    tokens: 1,
    truncated: false,
  });
  it('recomputes rewards and advantages as TRL does', () => {
    const [a, b] = rescore([completion(1, 0), completion(0, 1)], rules({ iou: 2, format: 1 }), 'group');
    expect([a!.reward, b!.reward]).toEqual([2, 1]);
    const std = Math.sqrt(0.5);
    expect(a!.advantage).toBeCloseTo(0.5 / (std + 1e-4));
    expect(b!.advantage).toBeCloseTo(-0.5 / (std + 1e-4));
  });
  it('leaves the run as it was without other weights', () => {
    const group = [completion(1, 0)];
    expect(rescore(group, null, 'group')).toBe(group);
  });
  it('counts the groups that would have had something to learn from, and the ranks that move', () => {
    const scored = (iou: number, format: number) => ({ ...completion(iou, format), reward: format });
    const groups = [
      // Told apart by the overlap alone, by the form alone, and by nothing.
      { completions: [scored(0.9, 1), scored(0.2, 1)] },
      { completions: [scored(0.5, 1), scored(0.5, 0)] },
      { completions: [scored(0.5, 1), scored(0.5, 1)] },
    ];
    const both = sumLedger(groups, rules({ iou: 1, format: 1 }));
    expect([both.groups, both.signalBefore, both.signalAfter]).toEqual([3, 1, 2]);
    expect(both.moved).toEqual([{ index: 0, reordered: 1, gained: 1 }]);
    const blunt = sumLedger(groups, rules({ iou: 1, format: 0 }, 0.1));
    expect([blunt.signalAfter, blunt.moved.map(({ gained }) => gained)]).toEqual([0, [-1]]);
    expect(sumLedger([], rules({})).reordered).toBe(0);
  });
  it('leaves out what did not apply, and a completion that no rule applied to', () => {
    const [first, second, unscored] = rescore(
      [
        { ...completion(1, 0), rewards: { iou: 1, imageIndex: NaN } },
        { ...completion(0, 0), rewards: { iou: 0, imageIndex: NaN } },
        { ...completion(0, 0), rewards: { iou: NaN, imageIndex: NaN } },
      ],
      rules({ iou: 1, imageIndex: 3 }),
      'none',
    );
    expect([first!.reward, second!.reward, unscored!.reward]).toEqual([1, 0, NaN]);
    expect([first!.advantage, second!.advantage, unscored!.advantage]).toEqual([0.5, -0.5, 0]);
  });
  it('calls a reward by its label, and one that it does not know by its name', () => {
    expect(['imageIndex', 'iou', 'fromLater', 'a-b_c'].map(termName)).toEqual([
      'Right picture',
      'Box overlap',
      'from later',
      'a b c',
    ]);
  });
});

describe('words', () => {
  it('the answer is what follows the thought', () => {
    expect(answerPart('<think>a</think><answer>b</answer>')).toBe('b');
    expect(answerPart('no tags')).toBe('no tags');
  });
  it('numbers are short and never rounded to nothing', () => {
    expect([value(0.00004), value(1.5), value(NaN), value(-2e-5)]).toEqual(['4.00e−5', '1.50', 'NaN', '−2.00e−5']);
    expect([bytes(512), bytes(1536), bytes(3 * 2 ** 30)]).toEqual(['512 B', '1.50 KiB', '3.00 GiB']);
    expect([duration(0.2), duration(75), duration(3700)]).toEqual(['0.2 s', '1 min 15 s', '1 h 1 min']);
  });
  it('an ETA comes from the pace, once there is one', () => {
    expect(etaOf(0, 10, 0, 5000)).toBeNull();
    expect(etaOf(5, 10, 0, 500)).toBeNull();
    expect(etaOf(5, 10, 0, 5000)).toBe(5);
  });
});

it.each([
  ['Learning rate', 'learning rate'],
  ['JSON with the pixels of the picture', 'JSON with the pixels of the picture'],
  ['IoU for a hit', 'IoU for a hit'],
  ['LoRA rank', 'LoRA rank'],
  ['KL penalty', 'KL penalty'],
  ['Qwen2.5-VL’s own', 'Qwen2.5-VL’s own'],
])('the label “%s” is “%s” within a sentence', (label, words) => {
  expect(withinSentence(label)).toBe(words);
});
