/** The stage that writes thoughts, over a policy that is pretended. */
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../src/data/row.ts';
import type { RowList } from '../../../src/data/row-list.ts';
import { box01 } from '../../../src/grounding/box.ts';
import type { StageContext, StageEvent } from '../../../src/train/stage.ts';
import { synthesiseStage } from '../../../src/train/stages/index.ts';
import { runSynthesise } from '../../../src/train/synthesis/synthesise.ts';

const box = { image: 0, box: box01(0.1, 0.1, 0.6, 0.6) };
const made = (i: number): Row => ({
  id: `row-${i}`,
  task: '',
  split: 'train',
  images: ['a.png'],
  prompt: [{ role: 'user', content: [{ type: 'text', text: `Where is thing ${i}?` }] }],
  answer: [{ type: 'box', box }],
  solution: i === 5 ? [] : [box],
  ...(i === 4 && { think: 'It has one already.' }),
  source: { file: 'f', line: i },
});

/** Row 1 is only solved with a hint, row 2 never; the others at once, with two different thoughts. */
function world(stopAfter = Infinity, resume: object | null = null) {
  const rows = Array.from({ length: 6 }, (_, i) => made(i));
  const train: RowList = {
    length: rows.length,
    id: (i) => rows[i]!.id,
    task: (i) => rows[i]!.task,
    file: (i) => rows[i]!.source.file,
    hasSolution: (i) => rows[i]!.solution.length > 0,
    pictures: () => [],
    read: async (places) => places.map((i) => rows[i]!),
  };
  const events: StageEvent[] = [];
  const asked: string[] = [];
  const positions: object[] = [];
  let gates = 0;
  const hinted = (row: Row) => JSON.stringify(row.prompt).includes('right answer');
  const context = {
    train,
    seed: 3,
    resume,
    compiled: Promise.resolve(),
    emit: (event: StageEvent) => void events.push(event),
    gate: async ({ position }: { position: object }) => {
      positions.push(JSON.parse(JSON.stringify(position)) as object);
      return gates++ < stopAfter;
    },
    samples: {
      readAhead: () => undefined,
      prepare: async (some: readonly Row[]) => some.map((row) => ({ row, natural: [], sizes: [] })),
      parse: ({ row }: { row: Row }, text: string) => {
        const solved = row.id === 'row-1' ? hinted(row) : row.id !== 'row-2';
        const boxes = solved ? [box] : [];
        return { think: text, answer: '', boxes, thoughtBoxes: [], formatOk: true, tagsOk: true, parsed: solved };
      },
    },
    generator: {
      generate: async (samples: readonly { row: Row }[], { numGenerations }: { numGenerations: number }) =>
        samples.map(({ row }) => {
          asked.push(`${row.id}${hinted(row) ? ' hinted' : ''}`);
          return Array.from({ length: numGenerations }, (_, g) => ({
            text: `I look at it and find the thing, ${['first', 'second'][g % 2]!} way`,
            tokens: new Uint32Array(5),
            truncated: false,
          }));
        }),
    },
  } as unknown as StageContext;
  return { context, events, asked, positions };
}

const stage = (part: Partial<ReturnType<typeof synthesiseStage>> = {}) =>
  synthesiseStage({ batchSize: 2, numGenerations: 4, ...part });
const byId = (rows: readonly Row[]) => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));

describe('thoughts by the policy itself', () => {
  test('are kept where they lead to the true boxes, with where they came from', async () => {
    const { context, asked } = world();
    const { rows, tried, thought } = await runSynthesise(stage(), context);
    expect(byId(rows).map(({ id }) => id)).toEqual(['row-0', 'row-1', 'row-3']);
    expect({ tried, thought }).toEqual({ tried: 5, thought: 3 });
    const [first, second] = byId(rows);
    expect(first).toMatchObject({
      think: 'I look at it and find the thing, first way',
      thoughtBy: { who: 'itself', hinted: false, stage: 'Thoughts', seed: 3 },
      solution: [box],
    });
    expect(second!.thoughtBy!.hinted).toBe(true);
    expect(asked).not.toContain('row-4');
    expect(asked).not.toContain('row-5');
    expect(asked.filter((name) => name.endsWith('hinted')).sort()).toEqual(['row-1 hinted', 'row-2 hinted']);
  });

  test('leave no hint in the row that is learned from', async () => {
    const { rows } = await runSynthesise(stage(), world().context);
    for (const row of rows) expect(row.prompt).toEqual(made(Number(row.id.slice(4))).prompt);
  });

  test('are not asked for with a hint where that is off', async () => {
    const { context, asked } = world();
    expect((await runSynthesise(stage({ rationalise: false }), context)).thought).toBe(2);
    expect(asked.some((name) => name.endsWith('hinted'))).toBe(false);
  });

  test('of one row are different, at most as many as wanted, each a row of its own', async () => {
    const { rows } = await runSynthesise(stage({ thoughtsPerRow: 3, limit: 0 }), world().context);
    const own = byId(rows).filter(({ id }) => id.startsWith('row-0'));
    expect(own.map(({ id, think }) => [id, think!.split(', ')[1]])).toEqual([
      ['row-0', 'first way'],
      ['row-0#2', 'second way'],
    ]);
  });

  test('go on where an interrupted stage stood, and end the same', async () => {
    const whole = await runSynthesise(stage(), world().context);
    const cut = world(1);
    await runSynthesise(stage(), cut.context);
    const rest = world(Infinity, cut.positions.at(-1)!);
    expect(await runSynthesise(stage(), rest.context)).toEqual(whole);
  });

  test('are counted by fault, and shown with what each filter says', async () => {
    const { context, events } = world();
    await runSynthesise(stage({ batchSize: 8 }), context);
    const told = events.flatMap((event) => (event.type === 'metrics' ? [event.values] : []));
    // 4 candidates of each of 4 rows, and of 2 again: 2 × 4 wrong ones at first, 4 with a hint.
    expect(told[0]!['faults/wrong']).toBeCloseTo(12 / 24);
    expect(told[0]!['faults/duplicate']).toBeCloseTo(6 / 24);
    expect(told[0]!['thoughts/rows']).toBeCloseTo(3 / 4);
    const groups = events.flatMap((event) => (event.type === 'group' ? [event] : []));
    expect(groups).toHaveLength(6);
    expect(groups.find(({ rowId }) => rowId === 'row-2')!.completions[0]!.rewards).toMatchObject({ wrong: 0, form: 1 });
  });
});
