/**
 * Thoughts for rows that have true boxes and none: the policy answers each row several times, and thoughts that lead to
 * the right boxes are kept (rejection). Rows without a success may be asked again with the true boxes as a hint, which
 * is not left in the row (rationalisation; STaR, arXiv 2203.14465).
 */
import { span } from '../../data/row-list.ts';
import type { Row } from '../../data/row.ts';
import { askedMore, toldBoxes } from '../distillation/teacher-prompt.ts';
import type { Sample } from '../samples.ts';
import type { RolloutView, StageContext } from '../stage.ts';
import { rowsToTry } from '../stages/sampled-rows.ts';
import type { SynthesiseStage } from '../stages/synthesise.ts';
import { FILTER_NAMES, faultsOf, sameThought, type Candidate, type Fault } from './filters.ts';

interface Position {
  readonly done: number;
  readonly rows: readonly Row[];
  /** Rows that got a thought. */
  readonly thought: number;
}

export interface Synthesis {
  /** Rows with a thought, for the stages after. */
  readonly rows: readonly Row[];
  readonly tried: number;
  readonly thought: number;
}

export async function runSynthesise(stage: SynthesiseStage, context: StageContext): Promise<Synthesis> {
  const list = rowsToTry(context.train, stage.limit, context.seed);
  const from = context.resume as Position | null;
  const rows: Row[] = [...(from?.rows ?? [])];
  let done = from?.done ?? 0;
  let thought = from?.thought ?? 0;
  context.samples.readAhead(list, span(list, done, done + stage.batchSize));
  await context.compiled;
  while (done < list.length) {
    if (!(await context.gate({ position: { done, rows, thought } satisfies Position }))) break;
    const batch = await list.read(span(list, done, done + stage.batchSize));
    const asked = batch.filter(({ think }) => think === undefined);
    context.samples.readAhead(list, span(list, done + stage.batchSize, done + 2 * stage.batchSize));
    const counts = new Map<Fault, number>();
    const tally = { candidates: 0, kept: 0 };
    const first = await ask(stage, context, asked, done, false, counts, tally);
    const without = asked.filter((_, i) => first[i]!.length === 0);
    const second = stage.rationalise ? await ask(stage, context, without, done, true, counts, tally) : [];
    const found = new Map([
      ...asked.map((row, i) => [row.id, first[i]!] as const).filter(([, kept]) => kept.length > 0),
      ...without.map((row, i) => [row.id, second[i] ?? []] as const).filter(([, kept]) => kept.length > 0),
    ]);
    for (const row of asked) rows.push(...(found.get(row.id) ?? []));
    thought += found.size;
    done += batch.length;
    if (tally.candidates > 0)
      context.emit({
        type: 'metrics',
        values: {
          'thoughts/rows': found.size / Math.max(1, asked.length),
          'thoughts/kept': tally.kept / tally.candidates,
          ...Object.fromEntries(
            ([...FILTER_NAMES, 'duplicate'] as const).map((name) => [
              `faults/${name}`,
              (counts.get(name) ?? 0) / tally.candidates,
            ]),
          ),
        },
      });
    context.emit({ type: 'progress', done, total: list.length, unit: 'rows' });
  }
  return { rows, tried: done, thought };
}

/** Of each row the rows with kept thoughts, at most as many as wanted; the first has the row's own id. */
async function ask(
  stage: SynthesiseStage,
  context: StageContext,
  rows: readonly Row[],
  start: number,
  hinted: boolean,
  counts: Map<Fault, number>,
  tally: { candidates: number; kept: number },
): Promise<Row[][]> {
  if (rows.length === 0) return [];
  // Whatever share of rows the plan has think: a thought is what is asked for here.
  const think = context.samples.prompting ? ({ form: 'think' } as const) : {};
  const samples = await context.samples.prepare(hinted ? rows.map(withHint) : rows, think);
  const rollouts = await context.generator.generate(samples, {
    numGenerations: stage.numGenerations,
    sampling: stage.sampling,
    seed: context.seed + 2 * start + Number(hinted),
  });
  return rows.map((row, i) => {
    const sample = samples[i]!;
    const candidates = rollouts[i]!.map(({ text, truncated }): Candidate => {
      return { answer: context.samples.parse(sample, text), truncated, hinted };
    });
    const faults = sift(candidates, row, sample, stage);
    for (const fault of faults.flat()) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    const kept = candidates.filter((_, c) => faults[c]!.length === 0).slice(0, stage.thoughtsPerRow);
    tally.candidates += candidates.length;
    tally.kept += kept.length;
    context.emit({
      type: 'group',
      rowId: row.id,
      completions: rollouts[i]!.map(({ text, tokens, truncated }, c): RolloutView => {
        const rewards = Object.fromEntries(FILTER_NAMES.map((name) => [name, Number(!faults[c]!.includes(name))]));
        const reward = Number(faults[c]!.length === 0);
        const { think, boxes } = candidates[c]!.answer;
        return { text, tokens: tokens.length, truncated, rewards, reward, advantage: 0, answer: { think, boxes } };
      }),
    });
    return kept.map(({ answer }, k): Row => ({
      ...row,
      id: k === 0 ? row.id : `${row.id}#${k + 1}`,
      think: answer.think!.trim(),
      thoughtBy: { who: 'itself', hinted, stage: stage.name, seed: context.seed },
    }));
  });
}

/** Faults of each candidate; of equal thoughts without a fault the first stays. */
export function sift(
  candidates: readonly Candidate[],
  row: Row,
  { natural, sizes }: Pick<Sample, 'natural' | 'sizes'>,
  stage: Pick<SynthesiseStage, 'iouThreshold' | 'minThoughtWords' | 'maxThoughtWords'>,
): Fault[][] {
  const seen = new Set<string>();
  return candidates.map((candidate): Fault[] => {
    const faults = faultsOf(candidate, { row, natural, sizes }, stage);
    if (faults.length > 0) return faults;
    const words = sameThought(candidate);
    if (seen.has(words)) return ['duplicate'];
    seen.add(words);
    return [];
  });
}

/** The row with the true boxes told after its last question. Only ever asked, never learned. */
export const withHint = (row: Row): Row =>
  askedMore(row, [
    { type: 'text', text: '\n(The right answer is' },
    ...toldBoxes(row),
    { type: 'text', text: '. Think as if you found it yourself, and do not write these numbers in your thought.)' },
  ]);
