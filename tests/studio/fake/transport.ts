/** An engine that only pretends: it answers the protocol from a script. For trying the studio, never shipped. */
import { heldAs } from './weight-storage.ts';
import { zipSync, strToU8 } from 'fflate';
import { Random } from '../../../src/base/random.ts';
import type { Transport } from '../../../src/engine/client.ts';
import type {
  Answer,
  CoordinateHeat,
  DatasetOptions,
  DatasetReport,
  EncodedPreview,
  EngineEvent,
  MemoryReport,
  FromEngine,
  KnownAnswer,
  Health,
  ModelReport,
  Recipe,
  ProfileChoice,
  Replies,
  Request,
  RunRecord,
  RunState,
  ToEngine,
} from '../../../src/engine/protocol/index.ts';
import { ROW_FORMATS } from '../../../src/data/formats/table.ts';
import { HealthTally } from '../../../src/data/health.ts';
import { box01, iou } from '../../../src/grounding/box.ts';
import { CONVENTIONS } from '../../../src/grounding/convention.ts';
import type { RequestOf } from '../../../src/engine/protocol/messages.ts';
import { promptingOf } from '../../../src/train/prompt.ts';
import { fakeDevice } from './device.ts';
import { fakeProfile } from './profile.ts';
import { fakeAdapter } from './adapter.ts';
import { FakeHub } from './hub.ts';
import { FakeKeep } from './keep.ts';
import { fakeCheckpoints, fakeDataset, fakeScores } from './scores.ts';
import { datasetDigest } from '../../../src/engine/keep/identity.ts';
import { reportDesk } from '../../../src/engine/report/report-desk.ts';
import { toldBy } from '../../../src/engine/run/driver.ts';
import { ResultDesk } from '../../../src/engine/run/result-desk.ts';
import { answer as answerBy } from '../../../src/engine/protocol/answer.ts';
import { FakeShelf, FakeTalk } from './companions.ts';
import { drawScene } from './pictures.ts';
import { fakeData, FAKE_CONVENTION, FAKE_ISSUES, near, type FakeData } from './scenes.ts';
import { script, watched } from './script.ts';
import { FakeThoughts } from './thoughts.ts';
import { fakePictures } from './budgets.ts';
import { fakeRehearsal } from './rehearsal.ts';

export interface FakeOptions {
  /** Events handed out at a time, and the milliseconds between. */
  readonly perTick: number;
  readonly tickMs: number;
  readonly software: boolean;
  /** Milliseconds a load takes. */
  readonly loadMs: number;
  readonly noAdapter: boolean;
}

/** Nothing left to ask. */
const SETTLED: DatasetOptions = {
  readings: [{ file: 'train.jsonl', way: 'list', space: 'natural', layout: 'xyxy' }],
  skipped: { rows: 4, list: [] },
};

const DEFAULTS: FakeOptions = { perTick: 2, tickMs: 60, software: false, loadMs: 80, noAdapter: false };

export class FakeTransport implements Transport {
  readonly #options: FakeOptions;
  readonly #shelf = new FakeShelf();
  readonly #talk = new FakeTalk((event) => this.emit(event));
  readonly #data: FakeData = fakeData(5, 320, 80);
  readonly #thoughts = new FakeThoughts(this.#data.rows, (event) => this.emit(event));
  #receive: (message: FromEngine) => void = () => undefined;
  #lost: (reason: string) => void = () => undefined;
  #state: RunState = 'idle';
  /** Of the files of whatever is loaded. */
  modelDigest = 'fake';
  readonly keep = new FakeKeep((event) => this.emit(event));
  readonly #dataset = fakeDataset(
    this.#data,
    () => this.#report('Sample scenes', SETTLED),
    () => this.#health(),
  );
  readonly #scores = fakeScores(this.#data, this.keep.storage, this.#dataset, (rowId, policy) =>
    this.#guess(rowId, policy),
  );
  readonly #results = new ResultDesk(this.keep.storage);
  readonly #reports = reportDesk({
    dataset: () => this.#dataset,
    run: async (id) => {
      const record = (await this.keep.storage.records.get<RunRecord>('runs', id))!;
      const identity = { ...record.identity, dataset: await datasetDigest(this.#dataset) };
      return { record: { ...record, identity }, told: await toldBy(this.keep.storage, id) };
    },
    entries: (...of) => this.#scores.entries(...of),
    picture: async (_, path) => drawScene(this.#data.scenes.get(path)!),
  });
  #events: Iterator<EngineEvent> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #known: KnownAnswer[] = [];
  #picturesChecked = false;
  #looksCompared = false;
  #closed = false;
  #stopped = false;
  #profile: ProfileChoice = 'auto';

  constructor(options: Partial<FakeOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  open(receive: (message: FromEngine) => void, lost: (reason: string) => void): void {
    this.#receive = (message) => this.#closed || receive(message);
    this.#lost = lost;
  }

  post({ id, request }: ToEngine): void {
    this.#answer(request).then(
      (value) => this.#receive({ kind: 'reply', id, value }),
      (error: { code?: string; message: string; hint?: string }) =>
        this.#receive({
          kind: 'error',
          id,
          code: error.code ?? 'fake',
          message: error.message,
          hint: error.hint ?? '',
        }),
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Remembers a run that went to its end. */
  rememberRun(project: string, recipe: Recipe, talent: number): Promise<string> {
    return this.keep.remember(project, recipe, [...script(recipe, this.#data, talent)], 'finished');
  }

  /** As if the worker had died. */
  die(): void {
    this.#lost('it ran out of memory');
  }

  emit(event: EngineEvent): void {
    this.#receive({ kind: 'event', event });
  }

  readonly #hub = new FakeHub((event) => this.emit(event));

  /** Of which checkpoint the policy was asked for last. */
  lastCheckpoint: number | null = null;

  async #answer(request: Request): Promise<Replies[Request['type']]> {
    if (request.type === 'continue-run') this.lastCheckpoint = request.checkpoint ?? null;
    switch (request.type) {
      case 'projects':
      case 'save-project':
      case 'take-project':
      case 'duplicate-project':
      case 'label-run':
      case 'project-file':
      case 'take-project-file':
      case 'delete-project':
      case 'delete-copy':
      case 'run-curves':
      case 'identity':
      case 'show-run':
      case 'continue-run':
      case 'settle-run':
      case 'save-now':
      case 'storage':
        return this.keep.answer(request);
      case 'thoughts-plan':
      case 'teacher-models':
      case 'thoughts-start':
      case 'thoughts-stop':
      case 'thoughts':
      case 'thoughts-judge':
      case 'thoughts-take':
      case 'thoughts-file':
      case 'thoughts-forget':
      case 'teacher-carried':
        return this.#thoughts.answer(request, () => this.#report('Sample scenes', SETTLED));
      case 'hub-load':
      case 'hub-open':
      case 'hub-cancel':
      case 'hub-cached':
      case 'hub-delete':
        return this.#hub.answer(request);
      case 'device':
        if (this.#options.noAdapter)
          throw Object.assign(new Error('requestAdapter() gave nothing.'), { code: 'no-adapter', hint: '' });
        return fakeDevice(this.#options.software, this.#profile);
      case 'choose-profile':
        this.#profile = request.choice;
        return fakeDevice(this.#options.software, this.#profile);
      case 'self-proof':
        await pause(120);
        return {
          adapter: 'Apple M4 Max',
          rows: ['Linear with LoRA', 'Attention', 'RMS norm', 'SwiGLU', 'Rotary embedding', 'AdamW'].map((op, i) => ({
            op,
            what: 'y, dx · 37 × 96',
            error: (i + 1) * 3e-8,
            tolerance: 1e-5,
            passed: true,
          })),
        };
      case 'cancel-load':
        this.#stopped = true;
        return null;
      case 'load-starter':
      case 'load-model':
        await this.#load('weights', 7_896_976);
        return {
          name: request.type === 'load-starter' ? 'groundwork-starter' : (request.name ?? 'my-model'),
          digest: this.modelDigest,
          modelType: 'qwen2_vl',
          parameters: 3_946_240,
          weightBytes: 7_896_976,
          hiddenSize: 192,
          layers: 6,
          vocabSize: 2048,
          renamed: true,
          ...heldAs(request.storage ?? 'auto'),
          notes: [],
          pictures: {
            minPixels: 3136,
            maxPixels: 1_003_520,
            pixelsPerToken: 784,
            limitedBy: { by: 'area', factor: 28 },
          },
          boxExample: CONVENTIONS.qwen2_5_vl.syntax.example(2),
          boxConvention:
            'Thousandths of the picture, as Qwen2-VL writes them: (x1,y1),(x2,y2) after the number of the image.',
        } satisfies ModelReport;
      case 'open-dataset':
      case 'open-sample':
        await this.#load('rows', 400);
        return request.type === 'open-dataset'
          ? this.#report(request.name, request.options)
          : this.#report('Sample scenes', SETTLED);
      case 'reread-dataset':
        return this.#report('Sample scenes', request.options);
      case 'edit-rows':
      case 'take-edits':
        return this.#report('Sample scenes', SETTLED);
      case 'edit-history':
        return [];
      case 'edits-file':
      case 'rows-file':
        return { fileName: 'edits.jsonl', stream: new Blob([]).stream() };
      case 'cancel-dataset':
        return null;
      case 'copy-dataset':
        this.keep.copies.push({ location: request.location, files: 1, bytes: 4096, copiedAt: Date.now() });
        return { bytes: 4096, files: 1 };
      case 'copied-datasets':
        return this.keep.copies;
      case 'issues':
        return FAKE_ISSUES.filter(({ severity }) => !request.severity || severity === request.severity).slice(
          request.offset,
          request.offset + request.count,
        );
      case 'issues-file':
        return { fileName: `issues.${request.as}`, stream: new Blob([JSON.stringify(FAKE_ISSUES)]).stream() };
      case 'unfit-rows':
        return [];
      case 'compose-preview':
        return { train: 4, heldout: 0, rows: this.#data.rows.slice(0, 4), issues: [] };
      case 'composed-file':
        return { fileName: `${request.split}.jsonl`, stream: new Blob(['{}\n']).stream() };
      case 'skipped':
        return { rows: 4, list: [] };
      case 'health':
        return this.#health();
      case 'check-pictures':
        for (let done = 1; done <= 4; done++) {
          await pause(this.#options.loadMs / 4);
          this.emit({ type: 'loading', what: 'pictures read to their end', done: done * 120e6, total: 480e6 });
        }
        this.#picturesChecked = true;
        return null;
      case 'compare-looks':
        await pause(this.#options.loadMs);
        this.#looksCompared = true;
        return null;
      case 'try-convention': {
        const i = ['natural', 'model', 'thousand', 'fraction'].indexOf(request.convention.space);
        const samples = this.#data.rows.slice(0, request.count).map((row) => ({
          rowId: row.id,
          images: row.images,
          numbers: [[12, 30, 80, 96]],
          boxes: row.solution.map(({ image, box }) => ({
            image,
            box: box01(box[0] * (1 - i / 5), box[1] * (1 - i / 5), box[2] * (1 - i / 6), box[3] * (1 - i / 6)),
          })),
        }));
        return { samples, fits: 1 - i / 10 };
      }
      case 'rows': {
        const { task, text, finding } = request.filter ?? {};
        const rows = (request.split === 'train' ? this.#data.rows : this.#data.heldout).filter(
          (row, i) =>
            (!task || row.task === task) &&
            (!text || JSON.stringify(row.prompt).includes(text)) &&
            (!finding || i % 40 === 0),
        );
        return { total: rows.length, rows: rows.slice(request.offset, request.offset + request.count) };
      }
      case 'row': {
        const row = this.#row(request.rowId);
        return row;
      }
      case 'thumbnail': {
        const { size } = this.#data.scenes.get(request.path) ?? { size: { width: 0, height: 0 } };
        const blob = (await this.#answer({ ...request, type: 'image' })) as Blob;
        return { blob, natural: size };
      }
      case 'image': {
        const scene = this.#data.scenes.get(request.path);
        if (!scene || request.path.includes('train-0005-1')) throw new Error(`${request.path} is not among the files.`);
        return drawScene(scene);
      }
      case 'box-numbers': {
        const row = this.#row(request.rowId);
        const pixels = row.solution.map(({ box }) => box.map((v) => Math.round(v * 640)));
        return { file: pixels, model: row.solution.map(({ box }) => box.map((v) => Math.round(v * 1000))) };
      }
      case 'picture-report':
        return fakePictures(request.recipe);
      case 'draw-report':
        return {
          groups: [
            { name: 'train.jsonl', rows: 300, draws: 240 },
            { name: 'earlier.jsonl', rows: 20, draws: 80 },
          ],
          unvaried: ['12 of 320 rows are not mirrored: 12 rows speak of sides.'],
          looked: 320,
        };
      case 'preview':
        return this.#preview(request);
      case 'answer':
        await pause(40);
        return request.policies.map((policy) => this.#guess(request.rowId, policy));
      case 'coordinate-heat':
        await pause(40);
        return this.#heat(request.rowId, request.policy);
      case 'answer-rows': {
        await pause(40);
        const answers = request.rowIds.map((rowId) => this.#guess(rowId, request.policy));
        if (request.project && !request.orders)
          this.#known.push(...answers.map((answer, i) => ({ rowId: request.rowIds[i]!, answer })));
        return answers;
      }
      case 'predict-rows':
        await pause(40);
        return {
          predictions: request.rowIds.map((rowId) => {
            const { text, boxes, parsed } = this.#guess(rowId, request.policy);
            return { row: rowId, text, boxes, parsed, refused: false, sizes: [] };
          }),
          pictures: { minPixels: 3136, maxPixels: 1003520 },
        };
      case 'benchmarks':
      case 'predict-next':
      case 'prediction-sets':
      case 'import-predictions':
      case 'forget-predictions':
      case 'predictions-file':
      case 'scores':
      case 'scores-file':
      case 'set-answers':
        await pause(20);
        return answerBy(this.#scores.handlers, request.type, request as never);
      case 'run-results':
      case 'run-differences':
      case 'compare-runs':
        return answerBy(this.#results.handlers, request.type, request as never);
      case 'report-file':
        return answerBy(this.#reports, request.type, request as never);
      case 'known-answers':
        return this.#known;
      case 'checkpoints':
        return fakeCheckpoints();
      case 'rehearse':
        for (const [i, stage] of request.recipe.stages.entries()) {
          this.emit({ type: 'loading', what: stage.name, done: i, total: request.recipe.stages.length });
          await pause(this.#options.loadMs / 4);
        }
        return fakeRehearsal(request.recipe);
      case 'start':
        this.#events = watched(script(request.recipe, this.#data), request.watch, (rowId, step) =>
          this.#guess(rowId, 'tuned', step),
        );
        this.#state = request.paused ? 'paused' : 'running';
        this.emit({ type: 'state', state: this.#state });
        if (!request.paused) this.#tick();
        return { runId: 'fake-1' };
      case 'profile':
        await pause(60);
        return fakeProfile();
      case 'control':
        return this.#control(request.action);
      case 'chat':
      case 'chat-stop':
        return this.#talk.answer(request);
      case 'adapters':
      case 'adapter-import':
      case 'adapter-keep':
      case 'adapter-merge':
      case 'adapter-remove':
      case 'adapter-stack':
        return this.#shelf.answer(request);
      case 'memory-plan':
        await pause(40);
        return memoryReport(request);
      case 'export':
        return {
          fileName: request.what === 'adapter' ? 'adapter.zip' : 'merged.zip',
          stream: new Blob([zipSync(fakeAdapter(strToU8))]).stream(),
          weightBytes: 10_000,
        };
      case 'job':
        return {
          fileName: `${request.recipe.name}-${request.engine}.zip`,
          stream: new Blob([zipSync({ 'README.md': strToU8('A job.') })]).stream(),
        };
      case 'export-folder':
        this.emit({ type: 'exporting', bytes: 5000, weightBytes: 10_000, path: 'model.safetensors' });
        await pause(this.#options.loadMs);
        return { bytes: 10_700 };
      case 'export-obstacles':
        return { adapter: [], merged: [], gguf: [], 'gguf-adapter': [] };
      case 'cancel-export':
        return null;
      case 'check-export':
        await pause(60);
        return {
          files: ['adapter_config.json', 'adapter_model.safetensors'].map((path, i) => ({
            path,
            bytes: 700 + i * 10_000,
            sha256: 'f0'.repeat(32),
          })),
          tensors: 84,
          modules: 42,
          problems: [],
        };
    }
  }

  #control(action: 'pause' | 'resume' | 'step' | 'stop'): { state: RunState } {
    const next: RunState = action === 'resume' ? 'running' : action === 'stop' ? 'finished' : 'paused';
    this.#state = next;
    clearTimeout(this.#timer);
    if (action === 'step') this.#pull((event) => event.type !== 'metrics' && event.type !== 'evaluation');
    if (next === 'running') this.#tick();
    this.emit({ type: 'state', state: this.#state });
    return { state: this.#state };
  }

  #tick(): void {
    if (this.#state !== 'running' || this.#closed) return;
    let left = this.#options.perTick;
    this.#pull(() => --left > 0);
    this.#timer = setTimeout(() => this.#tick(), this.#options.tickMs);
  }

  #pull(more: (event: EngineEvent) => boolean): void {
    for (;;) {
      const next = this.#events?.next();
      if (!next || next.done) return;
      if (next.value.type === 'state') this.#state = next.value.state;
      this.emit(next.value);
      if (!more(next.value)) return;
    }
  }

  async #load(what: string, total: number): Promise<void> {
    this.#stopped = false;
    for (let i = 1; i <= 10; i++) {
      if (this.#stopped) throw Object.assign(new Error('Loading was stopped.'), { code: 'cancelled' });
      await pause(this.#options.loadMs / 10);
      this.emit({ type: 'loading', what, done: Math.round((total * i) / 10), total });
    }
  }

  #row(id: string) {
    const row = [...this.#data.rows, ...this.#data.heldout].find((each) => each.id === id);
    if (!row) throw new Error(`There is no row ${id}.`);
    return row;
  }

  #report(name: string, options: DatasetOptions = {}): DatasetReport {
    const { rows, heldout, scenes } = this.#data;
    const tasks: Record<string, number> = {};
    for (const row of [...rows, ...heldout]) tasks[row.task] = (tasks[row.task] ?? 0) + 1;
    return {
      id: 'fake',
      name,
      format: 'ms-swift grounding (JSONL)',
      edits: null,
      train: rows.length,
      heldout: heldout.length,
      thoughts: rows.filter(({ think }) => think !== undefined).length,
      benchmarks: { rows: 0, titles: [] },
      images: scenes.size,
      tasks,
      formats: [{ name: 'ms-swift grounding', rows: 400 }],
      rowFormats: ROW_FORMATS,
      files: [
        { path: 'train.jsonl', kind: 'JSON Lines', rows: 324 },
        { path: 'heldout.jsonl', kind: 'JSON Lines', rows: 80 },
      ],
      issues: FAKE_ISSUES,
      issueCount: {
        errors: FAKE_ISSUES.filter(({ severity }) => severity === 'error').length,
        warnings: FAKE_ISSUES.filter(({ severity }) => severity === 'warning').length,
      },
      leftOut: 4,
      conversations: 0,
      conventions: [FAKE_CONVENTION],
      questions: [
        ...(options.readings ? [] : [{ kind: 'convention' as const, ...FAKE_CONVENTION }]),
        ...(options.skipped ? [] : [{ kind: 'skip' as const, rows: 4 }]),
      ],
      options,
      ledger: [],
      shortfalls: [],
      notes: ['train.jsonl: boxes written as four numbers are read as pixels of the picture file, as two corners.'],
    };
  }

  #health(): Health {
    const tally = new HealthTally();
    for (const row of this.#data.rows) tally.add(row, 0, false);
    const flags = this.#data.rows.map((_, i) => (i % 40 === 0 ? 0b1001_0000_0001 : 0));
    const tasks = [...new Set(this.#data.rows.map(({ task }) => task))];
    const counted = tally.finish(
      flags,
      this.#data.rows.map(({ split }) => split),
      this.#data.rows.map(({ task }) => tasks.indexOf(task)),
      tasks,
    );
    const unchecked = this.#picturesChecked ? 0 : 1180;
    const looks = this.#looksCompared
      ? { left: 0, pictures: 1, pairs: [{ heldout: 'bench/7.jpg', train: 'train/12.jpg' }], undecoded: 0 }
      : { left: 1191, pictures: 0, pairs: [], undecoded: 0 };
    return { ...counted, pictures: { total: 1191, unchecked, uncheckedBytes: unchecked * 412_000 }, looks };
  }

  #preview({ rowId, recipe, taught = false }: RequestOf<'preview'>): EncodedPreview {
    const row = this.#row(rowId);
    const prompting = recipe ? promptingOf(recipe) : null;
    const form = prompting?.formOf(row, taught) ?? 'as-written';
    const asked = prompting?.ask(row, form, CONVENTIONS.qwen2_5_vl.syntax.example) ?? row;
    const sizes = row.images.map((path) => {
      const natural = this.#data.scenes.get(path)!.size;
      const model = { width: Math.round(natural.width / 28) * 28, height: Math.round(natural.height / 28) * 28 };
      return { natural, model, tokens: (model.width * model.height) / 784 };
    });
    const words = (text: string, inLoss: boolean) => text.split(/(?<= )/).map((word) => ({ text: word, inLoss }));
    const pads = sizes.flatMap(({ tokens }) => [
      { text: '<|vision_start|>', inLoss: false },
      ...Array.from({ length: tokens }, () => ({ text: '<|image_pad|>', inLoss: false })),
      { text: '<|vision_end|>', inLoss: false },
    ]);
    const target = `${asked.think === undefined ? '' : `<think>${asked.think}</think>`}<answer>Image-1: (120,340),(410,560)</answer><|im_end|>`;
    return {
      drawn: null,
      sizes,
      form,
      promptText: asked.prompt
        .flatMap(({ content }) => content)
        .map((segment) => (segment.type === 'text' ? segment.text : '<|image_pad|>'))
        .join(''),
      targetText: target,
      tokens: [
        ...words('<|im_start|>user ', false),
        ...pads,
        ...words('Find it and give its box. <|im_end|> <|im_start|>assistant ', false),
        ...words(target, true),
      ],
    };
  }

  #heat(id: string, policy: 'base' | 'tuned'): CoordinateHeat {
    const random = new Random(Number(id.replace(/\D/g, '')) + 7);
    // The first digit of a number is the surest, and the tuned policy is surer than the base.
    const loss = (place: number) => random.uniform() * (place + 0.3) * (policy === 'tuned' ? 0.6 : 2);
    return {
      policy,
      boxes: this.#row(id).solution.map(({ image, box }) => ({
        image,
        box,
        edges: box.map((v) => [...String(Math.round(v * 1000))].map((text, place) => ({ text, loss: loss(place) }))),
      })),
    };
  }

  #guess(id: string, policy: 'base' | 'tuned', step = Infinity): Answer {
    const row = this.#row(id);
    const truth = row.solution[0]!;
    const random = new Random(Number(id.replace(/\D/g, '')) * 2 + (policy === 'tuned' ? 1 : 0));
    const parsed = policy === 'tuned' || random.uniform() > 0.2;
    const right = random.uniform() < (policy === 'tuned' ? 0.9 : 0.5);
    const image = right ? truth.image : random.below(row.images.length);
    // What is asked while it learns comes nearer step by step.
    const box = near(truth.box, random, policy === 'tuned' ? 0.02 + 0.3 * Math.exp(-step / 8) : 0.08);
    const numbers = box.map((v) => Math.round(v * 1000));
    const think = `Only Image-${image + 1} has a ${truth.label}.`;
    return {
      policy,
      think,
      text: `<think>${think}</think><answer>${parsed ? `Image-${image + 1}: (${numbers[0]},${numbers[1]}),(${numbers[2]},${numbers[3]})` : 'It is somewhere on the left.'}</answer>`,
      boxes: parsed ? [{ image, box }] : [],
      iou: parsed && image === truth.image ? iou(box, truth.box) : 0,
      rightImage: parsed ? image === truth.image : false,
      parsed,
    };
  }
}

/** As an engine would answer for a plan that is somewhat too large for the card. */
function memoryReport({ availableBytes, recipe }: Extract<Request, { type: 'memory-plan' }>): MemoryReport {
  const GiB = 2 ** 30;
  const items = [
    { name: 'activations', bytes: 5.1 * GiB },
    { name: 'weights', bytes: 3.96 * GiB },
    { name: 'keys and values', bytes: 0.9 * GiB },
    { name: 'adapter', bytes: 0.13 * GiB },
    { name: 'optimizer', bytes: 0.13 * GiB },
    { name: 'image features', bytes: 0.01 * GiB },
  ] as const;
  const totalBytes = items.reduce((sum, { bytes }) => sum + bytes, 0);
  const changes = totalBytes <= availableBytes ? [] : ['recompute activations (gradientCheckpointing)'];
  const stages = recipe.stages.map((stage) =>
    'gradientCheckpointing' in stage ? { ...stage, gradientCheckpointing: true } : stage,
  );
  return {
    items,
    totalBytes,
    stage: 'grpo',
    unbindable: null,
    storage: 'f16',
    longest: { promptTokens: 1240, targetTokens: 96, imageTokens: 1100 },
    fits:
      availableBytes < 5 * GiB
        ? null
        : {
            changes,
            totalBytes: Math.min(totalBytes, 6.2 * GiB),
            recipe: { ...recipe, stages: changes.length ? stages : recipe.stages },
            storage: 'f16',
          },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
