/** Thoughts of a teacher that only pretends: every filter has its cases, and a question takes a moment. */
import type {
  EngineEvent,
  JudgedCandidate,
  Replies,
  RequestOf,
  Row,
  ThoughtsRequest,
  Verdict,
} from '../../../src/engine/protocol/index.ts';
import { FAULT_NAMES, faultLabel, type Fault } from '../../../src/train/synthesis/filters.ts';
import { teacherAddress } from '../../../src/train/teacher/address.ts';
import { teacherTurns } from '../../../src/train/synthesis/teacher-question.ts';

const UNIT = { width: 1, height: 1 };
const SAY: Readonly<Partial<Record<Fault, string>>> = {
  refusal: 'I am sorry, I cannot see the pictures.',
  leak: 'The hint says that it is in the upper left of the second picture.',
  repetition: 'It is here and it is here and it is here and it is here and it is here.',
};

export class FakeThoughts {
  readonly #rows: readonly Row[];
  readonly #emit: (event: EngineEvent) => void;
  readonly #verdicts = new Map<string, { verdict: Verdict; words?: string }>();
  #candidates: JudgedCandidate[] = [];
  #stopped = false;

  constructor(rows: readonly Row[], emit: (event: EngineEvent) => void) {
    this.#rows = rows;
    this.#emit = emit;
  }

  async answer(
    request: ThoughtsRequest,
    report: () => Replies['edit-rows'],
  ): Promise<Replies[ThoughtsRequest['type']]> {
    switch (request.type) {
      case 'thoughts-plan': {
        const [row] = this.#rows;
        const { space, system, rationalise, samples } = request.settings;
        return {
          address: teacherAddress(request.endpoint),
          rows: 84,
          withThought: 12,
          questions: [84 * samples, 84 * samples * (rationalise ? 2 : 1)],
          pictures: 231,
          bytesPerQuestion: 412_000,
          example: {
            rowId: row!.id,
            turns: teacherTurns(
              row!,
              row!.images.map(() => UNIT),
              space,
              system,
            ),
            hint: rationalise
              ? '\n(The right answer is Image-2: [120, 80, 400, 360]. Think as if you found it yourself.)'
              : null,
          },
          spaceChecked: true,
        };
      }
      case 'teacher-models':
        return ['Qwen3-VL-32B-Instruct', 'gemma-3-27b-it'];
      case 'thoughts-start':
        return this.#start(request);
      case 'thoughts-stop':
        this.#stopped = true;
        return null;
      case 'thoughts': {
        const passes = ({ id, faults }: JudgedCandidate, filter: typeof request.filter) => {
          const verdict = this.#verdicts.get(id)?.verdict ?? null;
          if (filter === 'all') return true;
          if (filter === 'accepted' || filter === 'rejected') return verdict === filter;
          if (filter === 'kept') return verdict === 'accepted' || (verdict === null && faults.length === 0);
          return faults.includes(filter);
        };
        const count = (filter: typeof request.filter, label: string) => ({
          filter,
          label,
          count: this.#candidates.filter((each) => passes(each, filter)).length,
        });
        const shown = this.#candidates.filter((each) => passes(each, request.filter));
        return {
          total: shown.length,
          candidates: shown.slice(request.offset, request.offset + request.count).map((each) => {
            const { verdict = null, words } = this.#verdicts.get(each.id) ?? {};
            return { ...each, verdict, taken: verdict === 'accepted', ...(words !== undefined && { thought: words }) };
          }),
          counts: [
            count('kept', 'Kept'),
            ...FAULT_NAMES.map((fault) => count(fault, faultLabel(fault))),
            count('accepted', 'Accepted by you'),
            count('rejected', 'Rejected by you'),
            count('all', 'All'),
          ],
          unanswered:
            this.#candidates.length > 0
              ? [{ why: 'the pictures are too large for the teacher (status 413)', count: 3 }]
              : [],
        };
      }
      case 'thoughts-judge': {
        const { id, verdict, words } = request;
        this.#verdicts.set(id, { verdict, ...(words !== undefined && { words }) });
        return report();
      }
      case 'thoughts-take':
        return { report: report(), taken: this.#candidates.filter(({ faults }) => faults.length === 0).length };
      case 'thoughts-file':
        return { fileName: 'sample-thoughts.jsonl', stream: new Blob(['{}\n']).stream() };
      case 'thoughts-forget':
        this.#candidates = [];
        return null;
      case 'teacher-carried':
        return null;
    }
  }

  async #start({ endpoint, settings }: RequestOf<'thoughts-start'>): Promise<Replies['thoughts-start']> {
    this.#stopped = false;
    this.#candidates = [];
    const total = 84;
    let rows = 0;
    for (; rows < total && !this.#stopped; rows++) {
      const row = this.#rows[rows]!;
      for (let sample = 0; sample < 2; sample++) {
        const at = rows * 2 + sample;
        const fault = at % 3 === 0 ? FAULT_NAMES[(at / 3) % FAULT_NAMES.length] : undefined;
        const hinted = fault === 'leak';
        this.#candidates.push({
          id: `${row.id}/${sample}`,
          key: `${at}`,
          row: row.id,
          thought:
            (fault && SAY[fault]) ??
            `I compare the ${row.images.length} pictures. Only one of them shows what is asked for, beside a larger thing of another colour.`,
          content: '',
          boxes: row.solution.map(({ image, box: [x1, y1, x2, y2] }) => {
            const off = fault === 'wrong' ? 0.5 : 0.03 * (at % 4);
            const box = [x1 * (1 - off), y1 * (1 - off), x2 * (1 - off), y2 * (1 - off)] as const;
            return { image, box: box as unknown as (typeof row.solution)[number]['box'] };
          }),
          faults: fault ? [fault] : [],
          by: { who: 'teacher', hinted, model: settings.model, endpoint, temperature: settings.temperature, sample },
          verdict: null,
          taken: false,
        });
      }
      this.#emit({
        type: 'thoughts-progress',
        rows: rows + 1,
        total,
        taught: Math.floor((rows + 1) * 0.8),
        tokens: 2140 * (rows + 1),
        tokensPerSecond: 312,
        etaSeconds: (total - rows) * 0.9,
        counts: {
          requests: rows,
          retries: 1,
          replies: rows,
          fromCache: 0,
          promptTokens: 0,
          completionTokens: 0,
          underWay: 4,
          limit: 4,
        },
        trouble: rows === 40 ? { what: 'has too many requests', waitMs: 4000 } : null,
      });
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    return { rows, taught: Math.floor(rows * 0.8), stopped: this.#stopped };
  }
}
