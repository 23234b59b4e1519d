/**
 * Thoughts of a teacher for rows that have true boxes and none: each row is asked several times, and once more with its
 * boxes as a hint where no answer is right. Every candidate is told with its faults; which are learned is said elsewhere.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Random } from '../../base/random.ts';
import type { Dataset } from '../../data/dataset.ts';
import { placesWhere, span, subset, type RowList } from '../../data/row-list.ts';
import type { Row, ThoughtProvenance } from '../../data/row.ts';
import type { Size } from '../../grounding/box.ts';
import type { ParsedBox } from '../../grounding/parse.ts';
import { dataAddress, type TeacherReply } from '../teacher/chat.ts';
import type { Asked, Teacher } from '../teacher/teacher.ts';
import type { Candidate, CandidateRow, Fault } from './filters.ts';
import { sift, withHint } from './synthesise.ts';
import type { TeachSettings } from './teach-settings.ts';
import { readTeacher, teacherTurns } from './teacher-question.ts';

/** One answer of the teacher, judged. */
export interface TaughtCandidate {
  /** Unique among all candidates. */
  readonly id: string;
  /** Of its reply: what a person said of it is found again by this. */
  readonly key: string;
  readonly row: string;
  readonly thought: string;
  /** What it said after thinking. */
  readonly content: string;
  readonly boxes: readonly ParsedBox[];
  /** None: it is kept. */
  readonly faults: readonly Fault[];
  readonly by: Extract<ThoughtProvenance, { who: 'teacher' }>;
}

export interface TaughtRow {
  readonly row: Row;
  readonly candidates: readonly TaughtCandidate[];
  /** Why some questions have no answer. */
  readonly unanswered: readonly string[];
}

export interface TeachProgress {
  readonly rows: number;
  readonly total: number;
  /** Rows with a kept thought. */
  readonly taught: number;
  readonly tokens: number;
  /** Tokens that came per second, since the beginning; null in the first second. */
  readonly tokensPerSecond: number | null;
  readonly etaSeconds: number | null;
}

export interface TeachHost {
  readonly teacher: Pick<Teacher, 'ask' | 'counts'>;
  readonly dataset: Pick<Dataset, 'image' | 'naturalSize'>;
  readonly endpoint: string;
  /** Rows that are looked after at once: as many as keep the pool full. */
  readonly rowsAtOnce: number;
  /** Whether numbers in a thought mean other places to the model that is to learn it. */
  readonly foreign: boolean;
  taught(row: TaughtRow): void;
  progress(progress: TeachProgress): void;
  readonly now?: () => number;
}

/** Rows read together. */
const BATCH = 64;

/** Training rows with true boxes and no thought, at most `limit` (0: all) of them, in a drawn order. */
export async function rowsWithoutThought(train: RowList, limit: number, seed: number): Promise<RowList> {
  const places: number[] = [];
  const solved = placesWhere(train, (i) => train.hasSolution(i));
  for (let from = 0; from < solved.length; from += BATCH) {
    const some = solved.slice(from, from + BATCH);
    for (const [i, { think }] of (await train.read(some)).entries()) if (think === undefined) places.push(some[i]!);
  }
  return subset(train, new Random(seed).shuffle(places).slice(0, limit || undefined));
}

/** Rejects with what ends all questions (`Teacher.ask`). Rows that were done by then were told. */
export async function teach(
  rows: RowList,
  settings: TeachSettings,
  host: TeachHost,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly taught: number }> {
  const digests = new Map<string, string>();
  const now = host.now ?? Date.now;
  const began = now();
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  let next = 0;
  let done = 0;
  let taught = 0;
  /** Rows that were answered by the cache alone say nothing of how long the others take. */
  let waited = 0;
  const tell = () => {
    const seconds = (now() - began) / 1000;
    const { promptTokens, completionTokens } = host.teacher.counts;
    const tokens = promptTokens + completionTokens;
    host.progress({
      rows: done,
      total: rows.length,
      taught,
      tokens,
      tokensPerSecond: seconds >= 1 && completionTokens > 0 ? completionTokens / seconds : null,
      etaSeconds: seconds >= 1 && waited > 0 ? ((rows.length - done) * seconds) / waited : null,
    });
  };
  const worker = async () => {
    while (next < rows.length) {
      const [row] = await rows.read(span(rows, next, ++next));
      const before = host.teacher.counts.requests;
      const result = await teachRow(row!, settings, { ...host, digests }, both);
      done++;
      taught += Number(result.candidates.some(({ faults }) => faults.length === 0));
      waited += Number(host.teacher.counts.requests > before);
      host.taught(result);
      tell();
    }
  };
  tell();
  const workers = Array.from({ length: Math.max(1, host.rowsAtOnce) }, () => worker());
  try {
    await Promise.all(workers);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
  return { rows: done, taught };
}

interface RowHost extends Pick<TeachHost, 'teacher' | 'dataset' | 'endpoint' | 'foreign'> {
  /** Of pictures' files, by path. */
  readonly digests: Map<string, string>;
}

async function teachRow(row: Row, settings: TeachSettings, host: RowHost, signal: AbortSignal): Promise<TaughtRow> {
  const pictures = [...new Set(row.images)];
  const natural: Size[] = [];
  for (const path of row.images) {
    const size = await host.dataset.naturalSize(path).catch(() => null);
    if (!size) return { row, candidates: [], unanswered: [`${path} is not a readable picture`] };
    natural.push(size);
  }
  const bytesOf = async (path: string) => new Uint8Array(await (await host.dataset.image(path)).arrayBuffer());
  for (const path of pictures)
    if (host.digests.get(path) === undefined) host.digests.set(path, bytesToHex(sha256(await bytesOf(path))));
  const common = {
    row: row.id,
    digests: new Map(pictures.map((path) => [path, host.digests.get(path)!])),
    async pictures() {
      const data = new Map<string, string>();
      for (const path of pictures) data.set(path, dataAddress(await bytesOf(path)));
      return data;
    },
  };
  const of: CandidateRow = { row, natural, sizes: natural };
  const pass = async (hinted: boolean) => {
    const turns = teacherTurns(hinted ? withHint(row) : row, natural, settings.space, settings.system);
    const samples = Array.from({ length: settings.samples }, (_, sample) => sample);
    const asked = await Promise.all(samples.map((sample) => host.teacher.ask({ ...common, turns, sample }, signal)));
    return judged(asked, hinted, of, settings, host);
  };
  const first = await pass(false);
  const again = settings.rationalise && !first.candidates.some(({ faults }) => faults.length === 0);
  const second = again ? await pass(true) : { candidates: [], unanswered: [] };
  return {
    row,
    candidates: [...first.candidates, ...second.candidates],
    unanswered: [...first.unanswered, ...second.unanswered],
  };
}

function judged(
  asked: readonly Asked[],
  hinted: boolean,
  of: CandidateRow,
  settings: TeachSettings,
  { endpoint, foreign }: RowHost,
): { readonly candidates: TaughtCandidate[]; readonly unanswered: string[] } {
  const replies: { key: string; reply: TeacherReply; sample: number; candidate: Candidate }[] = [];
  for (const [sample, each] of asked.entries()) {
    if (!each.ok) continue;
    const answer = readTeacher(each.reply, of.natural, settings.space);
    const { key, reply } = each;
    replies.push({ key, reply, sample, candidate: { answer, truncated: !reply.finished, hinted, foreign } });
  }
  const faults = sift(
    replies.map(({ candidate }) => candidate),
    of.row,
    of,
    settings,
  );
  let kept = 0;
  return {
    unanswered: asked.flatMap((each) => (each.ok ? [] : [each.why])),
    candidates: replies.map(({ key, reply, sample, candidate }, i): TaughtCandidate => {
      const own = faults[i]!.length === 0 && ++kept > settings.thoughtsPerRow ? ['surplus' as const] : faults[i]!;
      const { model, temperature } = settings;
      return {
        id: `${of.row.id}/${hinted ? 'hinted-' : ''}${sample}`,
        key,
        row: of.row.id,
        thought: candidate.answer.think ?? '',
        content: reply.content,
        boxes: candidate.answer.boxes,
        faults: own,
        by: { who: 'teacher', hinted, model, endpoint, temperature, sample },
      };
    }),
  };
}
