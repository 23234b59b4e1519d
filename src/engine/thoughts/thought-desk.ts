/**
 * The engine's desk for thoughts of a teacher: asks for them, shows candidates by what is wrong with them, and makes
 * edits of rows of those that are taken. What was answered is kept in a file that only grows.
 */
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import { span } from '../../data/row-list.ts';
import type { Row, ThoughtProvenance } from '../../data/row.ts';
import { writtenRow } from '../../data/written-rows.ts';
import type { FileStore } from '../../store/file-store.ts';
import { FAULT_NAMES, faultLabel } from '../../train/synthesis/filters.ts';
import { withHint } from '../../train/synthesis/synthesise.ts';
import { rowsWithoutThought, teach, type TaughtCandidate, type TeachProgress } from '../../train/synthesis/teach.ts';
import { teacherTurns } from '../../train/synthesis/teacher-question.ts';
import { teacherAddress } from '../../train/teacher/address.ts';
import { ReplyCache } from '../../train/teacher/reply-cache.ts';
import { Teacher, type TeacherTrouble } from '../../train/teacher/teacher.ts';
import type { DatasetReport, RowEdit } from '../protocol/dataset.ts';
import type { Handlers, RequestOf } from '../protocol/messages.ts';
import type {
  JudgedCandidate,
  ThoughtFilter,
  ThoughtsEvent,
  ThoughtsPlan,
  ThoughtsReplies,
  ThoughtsRequest,
} from '../protocol/thoughts.ts';
import { Judgements } from './judgements.ts';
import { Letters } from './letters.ts';

export interface ThoughtHost {
  readonly files: FileStore;
  emit(event: ThoughtsEvent): void;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `dataset-unsettled`: a question about wrong boxes is paid for in vain. */
  requireSettled(dataset: string): void;
  edit(dataset: string, project: string | null, edits: readonly RowEdit[]): Promise<DatasetReport>;
  /** In which numbers the loaded model says where something is; null: none is loaded. */
  space(): 'thousandths' | 'model pixels' | null;
}

const REPLIES = 'teacher/replies.jsonl';
const JUDGEMENTS = 'teacher/judgements.json';
/** Rows that a plan's sizes are measured on. */
const MEASURED = 24;
const BATCH = 64;

class Stopped extends Error {}

export class ThoughtDesk {
  readonly #host: ThoughtHost;
  readonly #letters: Letters;
  #work: AbortController | null = null;
  #judgements: Judgements | null = null;
  /** Of the dataset asked about last, in the order they came. */
  #of: string | null = null;
  #candidates = new Map<string, TaughtCandidate>();
  /** The thought that a row was given, by its id. */
  #taken = new Map<string, string>();
  #unanswered = new Map<string, number>();

  constructor(host: ThoughtHost) {
    this.#host = host;
    this.#letters = new Letters((event) => host.emit(event));
  }

  readonly handlers: Handlers<ThoughtsRequest> = {
    'thoughts-plan': (request) => this.#plan(request),
    'teacher-models': async ({ endpoint }) => {
      const address = teacherAddress(endpoint);
      const cache = { get: () => null, put: () => Promise.resolve() };
      const settings = { model: '', temperature: 0, topP: 1, maxTokens: 1 };
      const courier = this.#letters.courier(address.base);
      const teacher = new Teacher({ address, courier, settings, cache, concurrency: 1, seed: 0 });
      return teacher.models(new AbortController().signal);
    },
    'thoughts-start': (request) => this.#start(request),
    'thoughts-stop': async () => {
      this.#work?.abort(new Stopped('stopped'));
      return null;
    },
    thoughts: async ({ dataset, filter, offset, count }) => this.#page(dataset, filter, offset, count),
    'thoughts-judge': (request) => this.#judge(request),
    'thoughts-take': ({ dataset, project }) => this.#take(dataset, project),
    'thoughts-file': async ({ dataset }) => this.#file(dataset),
    'thoughts-forget': async () => {
      this.#refuseAtWork();
      await this.#host.files.remove(REPLIES);
      await this.#host.files.remove(JUDGEMENTS);
      this.#judgements = null;
      this.#clear(null);
      return null;
    },
    'teacher-carried': async ({ letter, carried }) => {
      this.#letters.carried(letter, carried);
      return null;
    },
  };

  async #plan({ dataset: id, endpoint, settings }: RequestOf<'thoughts-plan'>): Promise<ThoughtsPlan> {
    this.#host.requireSettled(id);
    const address = teacherAddress(endpoint);
    const dataset = this.#host.dataset(id);
    const train = dataset.rows('train');
    const open = await rowsWithoutThought(train, 0, settings.seed);
    const rows = settings.limit > 0 ? Math.min(settings.limit, open.length) : open.length;
    const pictures = new Set<number>();
    for (let i = 0; i < rows; i++) for (const picture of open.pictures(i)) pictures.add(picture);
    const first = await open.read(span(open, 0, Math.min(rows, MEASURED)));
    let bytes = 0;
    for (const row of first)
      for (const path of row.images)
        bytes += await dataset.image(path).then(
          ({ size }) => size,
          () => 0,
        );
    const solved = Array.from({ length: train.length }, (_, i) => train.hasSolution(i)).filter(Boolean).length;
    return {
      address,
      rows,
      withThought: solved - open.length,
      questions: [rows * settings.samples, rows * settings.samples * (settings.rationalise ? 2 : 1)],
      pictures: pictures.size,
      bytesPerQuestion: first.length > 0 ? bytes / first.length : 0,
      example: first[0] ? await example(first[0], dataset, settings) : null,
      spaceChecked: this.#host.space() !== null,
    };
  }

  async #start({ dataset: id, endpoint, settings, concurrency }: RequestOf<'thoughts-start'>) {
    this.#refuseAtWork();
    this.#host.requireSettled(id);
    const address = teacherAddress(endpoint);
    const dataset = this.#host.dataset(id);
    const work = (this.#work = new AbortController());
    let cache: ReplyCache | null = null;
    let trouble: TeacherTrouble | null = null;
    let latest: TeachProgress | null = null;
    try {
      this.#clear(id);
      this.#judgements ??= await Judgements.open(this.#host.files, JUDGEMENTS);
      cache = await ReplyCache.open(this.#host.files, REPLIES);
      const rows = await rowsWithoutThought(dataset.rows('train'), settings.limit, settings.seed);
      const tell = (progress: TeachProgress) => {
        latest = progress;
        this.#host.emit({ type: 'thoughts-progress', ...progress, counts: teacher.counts, trouble });
      };
      const teacher = new Teacher({
        address,
        courier: this.#letters.courier(address.base),
        settings,
        cache,
        concurrency,
        seed: settings.seed,
        onTrouble: (now) => {
          if (now === null && trouble === null) return;
          trouble = now;
          if (latest) tell(latest);
        },
      });
      const space = this.#host.space();
      const done = await teach(
        rows,
        settings,
        {
          teacher,
          dataset,
          endpoint: address.base,
          // A question that waits for its turn holds no picture.
          rowsAtOnce: concurrency,
          foreign: settings.space === 'pixels' || space === 'model pixels',
          taught: ({ candidates, unanswered }) => {
            for (const candidate of candidates) this.#candidates.set(candidate.id, candidate);
            for (const why of unanswered) this.#unanswered.set(why, (this.#unanswered.get(why) ?? 0) + 1);
          },
          progress: tell,
        },
        work.signal,
      );
      return { ...done, stopped: false };
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      const { rows = 0, taught = 0 } = (latest as TeachProgress | null) ?? {};
      return { rows, taught, stopped: true };
    } finally {
      await cache?.close();
      if (this.#work === work) this.#work = null;
    }
  }

  #clear(dataset: string | null): void {
    this.#of = dataset;
    this.#candidates = new Map();
    this.#taken = new Map();
    this.#unanswered = new Map();
  }

  #refuseAtWork(): void {
    if (this.#work)
      throw new GroundworkError('thoughts-busy', 'A teacher is being asked.', 'Stop it first, or wait for its end.');
  }

  #judged(candidate: TaughtCandidate): JudgedCandidate {
    const { verdict, words } = this.#judgements?.get(candidate.key) ?? { verdict: null };
    const own =
      words === undefined
        ? candidate
        : { ...candidate, thought: words, by: { ...candidate.by, edited: true as const } };
    return { ...own, verdict, taken: this.#taken.get(candidate.row) === candidate.id };
  }

  #all(dataset: string): JudgedCandidate[] {
    return this.#of === dataset ? [...this.#candidates.values()].map((candidate) => this.#judged(candidate)) : [];
  }

  #page(dataset: string, filter: ThoughtFilter, offset: number, count: number): ThoughtsReplies['thoughts'] {
    const all = this.#all(dataset);
    const shown = all.filter((candidate) => passes(candidate, filter));
    const counted = (name: ThoughtFilter, label: string) => ({
      filter: name,
      label,
      count: all.filter((candidate) => passes(candidate, name)).length,
    });
    return {
      total: shown.length,
      candidates: shown.slice(offset, offset + count),
      counts: [
        counted('kept', 'Kept'),
        ...FAULT_NAMES.map((fault) => counted(fault, faultLabel(fault))),
        counted('accepted', 'Accepted by you'),
        counted('rejected', 'Rejected by you'),
        counted('all', 'All'),
      ],
      unanswered: [...this.#unanswered].map(([why, n]) => ({ why, count: n })),
    };
  }

  async #judge({ dataset, project, id, verdict, words }: RequestOf<'thoughts-judge'>): Promise<DatasetReport> {
    const candidate = this.#of === dataset ? this.#candidates.get(id) : undefined;
    if (!candidate || !this.#judgements)
      throw new GroundworkError(
        'thought-missing',
        'This thought is no longer here.',
        'Ask the teacher again: what it answered costs nothing.',
      );
    const text = words?.trim() || undefined;
    const before = this.#judgements.get(candidate.key).words;
    const own = text === undefined || text === candidate.thought ? before : text;
    const was = this.#judged(candidate);
    await this.#judgements.set(candidate.key, { verdict, ...(own !== undefined && { words: own }) });
    const now = this.#judged(candidate);
    if (verdict === 'accepted') {
      const report = await this.#host.edit(dataset, project, [editOf(now)]);
      this.#taken.set(candidate.row, id);
      return report;
    }
    if (!was.taken) return this.#host.dataset(dataset).report;
    this.#taken.delete(candidate.row);
    return this.#host.edit(dataset, project, [
      { kind: 'change', row: candidate.row, change: { kind: 'thought', text: null } },
    ]);
  }

  async #take(dataset: string, project: string | null): Promise<ThoughtsReplies['thoughts-take']> {
    const open = this.#host.dataset(dataset);
    const first = new Map<string, JudgedCandidate>();
    for (const candidate of this.#all(dataset))
      if (passes(candidate, 'kept') && !first.has(candidate.row)) first.set(candidate.row, candidate);
    const edits: RowEdit[] = [];
    for (const candidate of first.values()) {
      const row = await open.row(candidate.row);
      if (row && row.think === undefined) edits.push(editOf(candidate));
    }
    if (edits.length === 0) return { report: open.report, taken: 0 };
    const report = await this.#host.edit(dataset, project, edits);
    for (const edit of edits) if (edit.kind === 'change') this.#taken.set(edit.row, first.get(edit.row)!.id);
    return { report, taken: edits.length };
  }

  #file(dataset: string): ThoughtsReplies['thoughts-file'] {
    const open = this.#host.dataset(dataset);
    const byRow = new Map<string, JudgedCandidate[]>();
    for (const candidate of this.#all(dataset))
      if (passes(candidate, 'kept')) byRow.set(candidate.row, [...(byRow.get(candidate.row) ?? []), candidate]);
    return {
      fileName: `${fileWords(open.report.name)}-thoughts.jsonl`,
      stream: lines(open, byRow),
    };
  }
}

/** What is learned: without a fault and not rejected, or accepted by a person. */
function passes({ verdict, faults }: JudgedCandidate, filter: ThoughtFilter): boolean {
  if (filter === 'all') return true;
  if (filter === 'accepted' || filter === 'rejected') return verdict === filter;
  if (filter === 'kept') return verdict === 'accepted' || (verdict === null && faults.length === 0);
  return faults.includes(filter);
}

const editOf = ({ row, thought, by }: JudgedCandidate): RowEdit => ({
  kind: 'change',
  row,
  change: { kind: 'thought', text: thought, by: by satisfies ThoughtProvenance },
});

async function example(
  row: Row,
  dataset: Dataset,
  { space, system, rationalise }: RequestOf<'thoughts-plan'>['settings'],
) {
  const natural = [];
  for (const path of row.images) natural.push((await dataset.naturalSize(path)) ?? { width: 1, height: 1 });
  const turns = teacherTurns(row, natural, space, system);
  const hinted = rationalise ? teacherTurns(withHint(row), natural, space, system) : null;
  const last = (all: typeof turns) =>
    all
      .at(-1)
      ?.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
      .at(-1) ?? '';
  return { rowId: row.id, turns, hint: hinted && last(hinted) };
}

/** The first thought of a row stands in the row itself, others in rows of their own. */
function lines(dataset: Dataset, byRow: ReadonlyMap<string, readonly JudgedCandidate[]>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ids = [...byRow.keys()];
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at >= ids.length) return controller.close();
      let text = '';
      for (const id of ids.slice(at, (at += BATCH))) {
        const row = await dataset.row(id);
        for (const [k, { thought, by }] of (row ? byRow.get(id)! : []).entries())
          text += writtenRow({ ...row!, id: k === 0 ? id : `${id}#${k + 1}`, think: thought, thoughtBy: by });
      }
      controller.enqueue(encoder.encode(text));
    },
  });
}
