/**
 * Records a real run of the starter on the sample, without a browser, as the studio's run file:
 * `node scripts/cli.mjs record-run [OUT]`. What is shown where there is no WebGPU
 * (public/starter/recorded-run.groundwork.json) was made by it.
 */
import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describeError } from '../../src/base/error.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { EngineClient } from '../../src/engine/client.ts';
import {
  evaluateStage,
  grpoStage,
  mergeStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../../src/engine/presets.ts';
import type { EngineRequest, FromEngine } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { SeriesBook } from '../../src/studio/charts/series-book.ts';
import { RowCache } from '../../src/studio/state/row-cache.ts';
import { writeRunFile } from '../../src/studio/state/run-file.ts';
import { createRun } from '../../src/studio/state/run.ts';
import { createWatchlist } from '../../src/studio/state/watchlist.ts';

const out = process.argv[2] ?? 'public/starter/recorded-run.groundwork.json';
const starter = 'public/starter/';
const learning = { gradientCheckpointing: false } as const;
const look = { limit: 60, maxCompletionLength: 96, batchSize: 12 } as const;
const plan = {
  name: 'A recorded run',
  seed: 1,
  stages: [
    evaluateStage({ ...look, name: 'base' }),
    sftStage({
      ...learning,
      optimizer: optimizer(2e-3, 0.05),
      maxSteps: 24,
      perDeviceTrainBatchSize: 8,
      maxLength: 1024,
    }),
    evaluateStage({ ...look, name: 'sft' }),
    mergeStage(),
    rejectionStage({ limit: 64, numGenerations: 8, sampling: sampling(96), batchSize: 4 }),
    grpoStage({
      ...learning,
      optimizer: optimizer(1e-3, 0.05, 'linear'),
      maxSteps: 36,
      promptsPerStep: 4,
      sampling: sampling(96),
      beta: 0,
    }),
    evaluateStage({ ...look, name: 'grpo' }),
  ],
};

registerDecoder(nodeDecode);
let receive: (message: FromEngine) => void = () => {};
const session = new EngineSession({
  openGpu: () => openNodeGpu({ onError: console.error }),
  fetchFile: (url) => openAsBlob(url),
  emit: (event) => receive({ kind: 'event', event }),
});
const client = new EngineClient({
  open: (to) => void (receive = to),
  post: ({ id, request }) =>
    session.handle(request as EngineRequest).then(
      (value) => receive({ kind: 'reply', id, value }),
      (error: unknown) => receive({ kind: 'error', id, ...describeError(error) }),
    ),
  close: () => {},
});

const book = new SeriesBook();
const rows = new RowCache(client);
const watchlist = createWatchlist(rows);
watchlist.getState().setEvery(4);
const run = createRun(client, book, { watch: (dataset) => watchlist.getState().forRun(dataset) });
client.subscribe((event) => {
  run.getState().receive([event]);
  if (event.type === 'progress')
    process.stderr.write(`\r${event.stageIndex}: ${event.done}/${event.total} ${event.unit}   `);
});
const device = await client.request({ type: 'device' });
const model = await client.request({ type: 'load-starter', baseUrl: starter });
const dataset = await client.request({ type: 'open-sample', baseUrl: starter });
const ended = new Promise<void>((done) =>
  run.subscribe(({ state }) => (state === 'finished' || state === 'failed') && done()),
);
await run.getState().start(dataset.id, plan);
await ended;
const { failure, evaluations } = run.getState();
if (failure) throw new Error(failure.what);
const json = await writeRunFile(run.getState(), { dataset, model, device }, book, rows, new Date());
await writeFile(out, json);
console.log(`\n${out}: ${json.length} bytes`);
for (const { name, evaluation } of evaluations) console.log(name, evaluation.accAt50, evaluation.meanIoU);
process.exit(0);
