import { describe, expect, it } from 'vitest';
import { applyChange, applyChanges, rowDigest, type Change, type EditedRow } from '../../../src/data/edits/change.ts';
import { markedText, segmentsOf } from '../../../src/data/edits/marked-text.ts';
import type { Row } from '../../../src/data/row.ts';
import { box01, type GroundedBox } from '../../../src/grounding/box.ts';

const cat: GroundedBox = { image: 1, box: box01(0.1, 0.2, 0.3, 0.4), label: 'cat' };
const dog: GroundedBox = { image: 0, box: box01(0.5, 0.5, 0.9, 0.9), imageGuessed: true };

const row: Row = {
  id: 'r',
  task: 'find',
  split: 'train',
  images: ['a.png', 'b.png'],
  prompt: [
    { role: 'system', content: [{ type: 'text', text: 'Be exact.' }] },
    {
      role: 'user',
      content: [
        { type: 'image', image: 0 },
        { type: 'image', image: 1 },
        { type: 'text', text: 'Find them.' },
      ],
    },
  ],
  think: 'Both are there.',
  answer: [
    { type: 'text', text: 'Here: ' },
    { type: 'box', box: cat, spelling: '[$x1,$y1,$x2,$y2]' },
    { type: 'text', text: ' and ' },
    { type: 'box', box: dog },
  ],
  solution: [cat, dog],
  source: { file: 'rows.jsonl', line: 1 },
};

const after = (...changes: Change[]): EditedRow => {
  const changed = applyChanges(row, changes);
  if (!changed.ok) throw new Error(changed.why);
  return changed.edited;
};
const why = (change: Change): string | null => {
  const changed = applyChange({ row, excluded: null }, change);
  return changed.ok ? null : changed.why;
};

describe('one change to a row', () => {
  it('moves a box in answer and solution alike, and keeps how its file writes it', () => {
    const box = { ...cat, box: box01(0.15, 0.2, 0.35, 0.4) };
    const { row: moved } = after({ kind: 'set-box', index: 0, box });
    expect(moved.solution).toEqual([box, dog]);
    expect(moved.answer[1]).toEqual({ type: 'box', box, spelling: '[$x1,$y1,$x2,$y2]' });
    expect(row.solution[0]).toBe(cat);
  });

  it('forgets how a box was written once its picture or its name is another, and no longer calls it guessed', () => {
    const { row: named } = after({ kind: 'set-box', index: 0, box: { ...cat, label: 'lynx' } });
    expect(named.answer[1]).toEqual({ type: 'box', box: { ...cat, label: 'lynx' } });
    const { row: seen } = after({ kind: 'set-box', index: 1, box: { ...dog, image: 1 } });
    expect(seen.solution[1]).toEqual({ image: 1, box: dog.box });
  });

  it('adds a box behind the others, and deletes one with its place in the text', () => {
    const added = after({ kind: 'add-box', box: { image: 0, box: box01(0, 0, 1, 1) } }).row;
    expect(added.solution).toHaveLength(3);
    expect(markedText(added.answer)).toBe('Here: <bbox> and <bbox>\n<bbox>');
    const deleted = after({ kind: 'delete-box', index: 0 }).row;
    expect(deleted.solution).toEqual([dog]);
    expect(markedText(deleted.answer)).toBe('Here:  and <bbox>');
  });

  it('teaches that there is nothing once the last box is deleted, and no longer once one is added', () => {
    const none = after({ kind: 'delete-box', index: 0 }, { kind: 'delete-box', index: 0 });
    expect(none.row).toMatchObject({ nothing: true, answer: [], solution: [] });
    const again = applyChange(none, { kind: 'add-box', box: cat });
    expect(again.ok && again.edited.row).toMatchObject({ solution: [cat], answer: [{ type: 'box', box: cat }] });
    expect(again.ok && 'nothing' in again.edited.row).toBe(false);
  });

  it('changes the words of question, answer and thought around their marks', () => {
    const { row: edited } = after(
      { kind: 'question', text: 'First <image>, then <image>: where?' },
      { kind: 'answer', text: '<bbox>; <bbox>.' },
      { kind: 'thought', text: null },
    );
    expect(markedText(edited.prompt[1]!.content)).toBe('First <image>, then <image>: where?');
    expect(edited.prompt[0]).toBe(row.prompt[0]);
    expect(edited.solution).toEqual(row.solution);
    expect('think' in edited).toBe(false);
  });

  it('leaves a row out for a reason, and takes it in again', () => {
    expect(after({ kind: 'exclude', reason: ' blurred ' }).excluded).toBe('blurred');
    expect(after({ kind: 'exclude', reason: 'blurred' }, { kind: 'include' }).excluded).toBeNull();
  });

  it.each<[Change, string]>([
    [{ kind: 'set-box', index: 2, box: cat }, 'no box 3'],
    [{ kind: 'set-box', index: 0, box: { ...cat, image: 2 } }, 'picture 3 is not among the row’s 2'],
    [{ kind: 'set-box', index: 0, box: { ...cat, box: box01(0.4, 0.2, 0.3, 0.4) } }, 'no area'],
    [{ kind: 'add-box', box: { image: 0, box: box01(0.4, 0.2, 1.3, 0.4) } }, 'outside its picture'],
    [{ kind: 'add-box', box: { image: 0, box: box01(0.4, NaN, 0.5, 0.6) } }, 'not four numbers'],
    [{ kind: 'delete-box', index: 5 }, 'no box 6'],
    [{ kind: 'question', text: 'Where is <image>?' }, 'marks'],
    [{ kind: 'question', text: '<image><image><image>' }, 'marks'],
    [{ kind: 'answer', text: '<bbox>' }, 'marks'],
    [{ kind: 'exclude', reason: ' ' }, 'no reason'],
  ])('refuses %o in words', (change, words) => {
    expect(why(change)).toContain(words);
  });
});

it('writes segments as one text and reads them back', () => {
  for (const segments of [row.answer, row.prompt[1]!.content, []])
    expect(segmentsOf(markedText(segments), segments)).toEqual(segments);
});

it('gives a row another digest for anything that is taught, and the same for how its words are kept', () => {
  const first = rowDigest(row);
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(rowDigest({ ...row, id: 'other', source: { file: 'x', line: 9 }, words: true })).toBe(first);
  const others: Row[] = [
    { ...row, think: 'No.' },
    { ...row, images: ['a.png', 'c.png'] },
    { ...row, solution: [cat] },
    { ...row, prompt: row.prompt.slice(1) },
    { ...row, task: 'diff' },
  ];
  expect(new Set([first, ...others.map(rowDigest)]).size).toBe(6);
});
