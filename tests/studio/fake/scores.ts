/** The real desk for benchmarks over made-up rows and made-up answers. */
import type { Dataset } from '../../../src/data/dataset.ts';
import { ScoreDesk } from '../../../src/engine/answers/score-desk.ts';
import { PredictionShelf } from '../../../src/engine/keep/prediction-shelf.ts';
import type { ModelHolder } from '../../../src/engine/model/model-holder.ts';
import type { Workbench } from '../../../src/engine/model/workbench.ts';
import type { Answer, DatasetReport, Health, KeptCheckpoint, PolicyName } from '../../../src/engine/protocol/index.ts';
import { swappable } from '../../../src/evaluate/consistency.ts';
import type { Prediction } from '../../../src/evaluate/prediction.ts';
import { turned } from '../../../src/grounding/picture-swap.ts';
import type { Storage } from '../../../src/store/storage.ts';
import type { FakeData } from './scenes.ts';

/** As much of a dataset as the desks read. */
export function fakeDataset(data: FakeData, report: () => DatasetReport, health: () => Health): Dataset {
  const rows = data.heldout;
  const list = {
    length: rows.length,
    id: (i: number) => rows[i]!.id,
    hasSolution: () => true,
    pictures: () => [],
    read: (places: readonly number[]) => Promise.resolve(places.map((i) => rows[i]!)),
  };
  return {
    get health() {
      return health();
    },
    get report() {
      return report();
    },
    rows: () => list,
    row: (id: string) => Promise.resolve(rows.find((row) => row.id === id) ?? null),
    naturalSize: (path: string) => Promise.resolve(data.scenes.get(path)?.size ?? null),
  } as unknown as Dataset;
}

export function fakeScores(
  data: FakeData,
  storage: Storage,
  dataset: Dataset,
  guess: (rowId: string, policy: PolicyName) => Answer,
): ScoreDesk {
  const holder = {
    loaded: {},
    adapters: { inUse: null },
    require: () => ({ name: 'groundwork-starter' }),
    workbench: () => ({
      samples: { asked: null, budget: null, processor: { limits: { minPixels: 3136, maxPixels: 1003520 } } },
    }),
    benchOf: () => null,
    weightsOf: (_: unknown, policy: PolicyName) => Promise.resolve(policy),
  } as unknown as ModelHolder;
  return new ScoreDesk({
    holder,
    shelf: new PredictionShelf(storage),
    dataset: () => dataset,
    aside: (work) => work(),
    refuseWhileRunning: () => undefined,
    holds: () => true,
    predict: (_: Workbench, asked, policy, { swap }) =>
      Promise.resolve(
        asked.map((row) => {
          const { text, boxes, parsed } = guess(row.id, policy);
          const sizes = row.images.map((path) => data.scenes.get(path)!.size);
          const prediction: Prediction = { row: row.id, text, boxes, parsed, refused: false, sizes };
          if (!swap || !swappable(row, prediction)) return prediction;
          // Every second answer looks at its picture, the others at its number.
          const looks = asked.indexOf(row) % 2 === 0;
          const order = turned(row.images.length);
          const moved = boxes.map((box) => ({ ...box, image: looks ? order.indexOf(box.image) : box.image }));
          return { ...prediction, swapped: { text, boxes: moved } };
        }),
      ),
  });
}

/** The last checkpoint of a run, and its best. */
export const fakeCheckpoints = (): readonly KeptCheckpoint[] => [
  {
    id: 7,
    bytes: 3_400_000,
    at: Date.UTC(2026, 9, 5, 11),
    about: { reason: 'stage', stage: 2, step: 40, events: 90, score: 0.6 },
  },
  {
    id: 5,
    bytes: 3_400_000,
    at: Date.UTC(2026, 9, 5, 10, 40),
    about: {
      reason: 'best',
      stage: 1,
      step: 30,
      events: 70,
      score: null,
      metric: { name: 'eval_accuracy', value: 0.71 },
    },
  },
];
