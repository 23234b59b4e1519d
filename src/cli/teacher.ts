/**
 * Thoughts of a teacher on the command line: letters are carried to the one address that was named, and thoughts that are
 * kept become edits of the rows, in a file beside the results.
 *
 *   --teacher URL            an OpenAI-compatible server: vLLM, llama.cpp, Ollama, LM Studio
 *   --teacher-model NAME     the model to ask, where the server has several
 *   --teacher-samples N      answers to a question (4)
 *   --teacher-at-once N      questions at once, at most (4)
 *   --teacher-space SPACE    of the teacher's coordinates: thousandths (the default) or pixels
 *
 * A key is read from the environment variable GROUNDWORK_TEACHER_KEY. It is written nowhere.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetReport, EngineEvent } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';
import { TEACH_DEFAULTS, TEACHER_SPACES } from '../train/synthesis/teach-settings.ts';
import { teacherAddress } from '../train/teacher/address.ts';
import { fetchCourier, Undelivered, type Courier } from '../train/teacher/courier.ts';
import { chosenModel } from '../train/teacher/teacher.ts';
import { oneOf, text, UsageError, whole } from './arguments.ts';
import { writeFiles } from './node-files.ts';

export const TEACHER_FLAGS = {
  teacher: text(),
  'teacher-model': text(''),
  'teacher-samples': whole(1, TEACH_DEFAULTS.samples),
  'teacher-at-once': whole(1, 4),
  'teacher-space': oneOf(TEACHER_SPACES),
} as const;

interface Told {
  readonly teacher: string | undefined;
  readonly 'teacher-model': string;
  readonly 'teacher-samples': number;
  readonly 'teacher-at-once': number;
  readonly 'teacher-space': (typeof TEACHER_SPACES)[number] | undefined;
}

const KEY = 'GROUNDWORK_TEACHER_KEY';
const FILE = 'thoughts.edits.jsonl';
/** Between two lines of progress. */
const TELL_MS = 10_000;

/** Edits with the thoughts that a run began with, to go on with it; null: it began without. A new run forgets those of before. */
export async function thoughtsFile(out: string, resumes: boolean): Promise<string | null> {
  const path = join(out, FILE);
  if (!resumes) await rm(path, { force: true });
  return existsSync(path) ? path : null;
}

export class TeacherErrands {
  readonly #told: Told;
  readonly #note: (line: string) => void;
  readonly #base: string | null;
  readonly #courier: Courier | null;
  readonly #under = new Map<number, AbortController>();
  #toldAt = -Infinity;
  #trouble: string | null = null;

  /** Throws `usage` for a teacher's settings without a teacher, and `teacher-address`. */
  constructor(told: Told, note: (line: string) => void) {
    this.#told = told;
    this.#note = note;
    if (told.teacher === undefined && (told['teacher-model'] !== '' || told['teacher-space'] !== undefined))
      throw new UsageError('There is no --teacher to be set.', 'Give its address: --teacher http://127.0.0.1:8000/v1');
    const address = told.teacher === undefined ? null : teacherAddress(told.teacher);
    this.#base = address && address.base;
    this.#courier = address && fetchCourier(address, process.env[KEY]?.trim() || null);
  }

  /** Carries what the engine sends, and shows how far it is. */
  hear(event: EngineEvent, session: EngineSession): void {
    if (event.type === 'teacher-recall') this.#under.get(event.id)?.abort();
    else if (event.type === 'teacher-letter' && event.base === this.#base) {
      const stop = new AbortController();
      this.#under.set(event.id, stop);
      void this.#courier!(event.letter, stop.signal)
        .catch((error: unknown) => ({ undelivered: error instanceof Undelivered ? error.why : ('broken' as const) }))
        .then((carried) => session.handle({ type: 'teacher-carried', letter: event.id, carried }))
        .finally(() => this.#under.delete(event.id));
    } else if (event.type === 'thoughts-progress') this.#show(event);
  }

  /** Gives rows without a thought one of the teacher's. The dataset as it then is; as it was, without a teacher. */
  async teach(session: EngineSession, dataset: DatasetReport, out: string): Promise<DatasetReport> {
    const endpoint = this.#told.teacher;
    if (endpoint === undefined) return dataset;
    const models = await session.handle({ type: 'teacher-models', endpoint });
    const settings = {
      ...TEACH_DEFAULTS,
      model: chosenModel(this.#told['teacher-model'], models),
      samples: this.#told['teacher-samples'],
      space: this.#told['teacher-space'] ?? TEACH_DEFAULTS.space,
    };
    const plan = await session.handle({ type: 'thoughts-plan', dataset: dataset.id, endpoint, settings });
    if (plan.rows === 0) {
      this.#note(`No row with true boxes lacks a thought: ${plan.address.origin} is not asked.`);
      return dataset;
    }
    this.#note(
      `Questions and pictures of ${plan.rows} training rows go to ${plan.address.origin} (${settings.model}): ${plan.pictures} pictures, ${plan.questions[0]} to ${plan.questions[1]} requests.${plan.address.private ? '' : ' The connection is not encrypted.'}`,
    );
    const stop = () => void session.handle({ type: 'thoughts-stop' });
    process.once('SIGINT', stop);
    const { stopped } = await session.handle({
      type: 'thoughts-start',
      dataset: dataset.id,
      endpoint,
      settings,
      concurrency: this.#told['teacher-at-once'],
    });
    process.off('SIGINT', stop);
    if (stopped)
      throw new UsageError(
        'Asking the teacher was stopped.',
        'What it answered is kept: the same command asks only for the rest.',
      );
    const { counts, unanswered } = await session.handle({
      type: 'thoughts',
      dataset: dataset.id,
      filter: 'all',
      offset: 0,
      count: 0,
    });
    const faults = counts.filter(({ filter, count }) => count > 0 && !['all', 'kept'].includes(filter));
    const { report, taken } = await session.handle({ type: 'thoughts-take', dataset: dataset.id, project: null });
    this.#note(`${taken} of ${plan.rows} rows have a thought of the teacher now.`);
    if (faults.length > 0)
      this.#note(`  Left out: ${faults.map(({ label, count }) => `${count} ${label}`).join(', ')}.`);
    for (const { why, count } of unanswered) this.#note(`  ${count} without an answer: ${why}.`);
    const { stream } = await session.handle({ type: 'edits-file', dataset: dataset.id });
    await writeFiles(out, [{ path: FILE, data: await new Response(stream).text() }]);
    return report;
  }

  #show(event: Extract<EngineEvent, { type: 'thoughts-progress' }>): void {
    const { rows, total, taught, tokens, tokensPerSecond, etaSeconds, counts, trouble } = event;
    if (trouble && trouble.what !== this.#trouble)
      this.#note(
        `  The teacher ${trouble.what}. Asked again in ${Math.ceil(trouble.waitMs / 1000)} s, ${counts.limit} at once.`,
      );
    this.#trouble = trouble?.what ?? null;
    const now = performance.now();
    if (rows < total && now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    const rate = tokensPerSecond === null ? '' : `, ${Math.round(tokensPerSecond)} tokens/s`;
    const left = etaSeconds === null || rows === total ? '' : `, about ${Math.ceil(etaSeconds)} s left`;
    this.#note(
      `  ${rows}/${total} rows asked, ${taught} with a thought, ${tokens} tokens, ${counts.fromCache} answers from before${rate}${left}`,
    );
  }
}
