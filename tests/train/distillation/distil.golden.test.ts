/** Self-distillation equals TRL's own SDFT and SDPO: losses and gradients by the student's logits. */
import { describe, expect, it } from 'vitest';
import { CASES, distilled, VOCABULARY, type Head } from './golden-cases.ts';
import { DISTILLATION_MODES, divergence } from '../../../src/train/distillation/divergence.ts';
import type { Scores } from '../../../src/train/scorer.ts';

const logSoftmax = (logits: readonly number[]): number[] => {
  const all = Math.log(logits.reduce((sum, l) => sum + Math.exp(l), 0));
  return logits.map((l) => l - all);
};

/** The output head on the host. Scores are f32, as they are read back from a GPU. */
const head: Head = async (logits, packed, { mode }, { weight }) => {
  const rows = logits.map(logSoftmax);
  const of = (row: number) => [...packed.targets.subarray(packed.start[row], packed.start[row + 1])];
  const zeros = new Float32Array(packed.entries.length);
  const k = mode.kind === 'score' ? (mode.top ?? 0) : 0;
  const best = rows.map((row) =>
    row
      .map((logp, v) => ({ logp, v }))
      .sort((a, b) => b.logp - a.logp)
      .slice(0, k)
      .sort((a, b) => a.v - b.v),
  );
  const scores: Scores = {
    logps: Float32Array.from(rows.flatMap((row, u) => of(u).map((target) => row[target]!))),
    entropy: zeros,
    correct: zeros,
    terms: zeros,
    top: k
      ? {
          k,
          tokens: Float32Array.from(best.flat(), ({ v }) => v),
          logps: Float32Array.from(best.flat(), ({ logp }) => logp),
        }
      : null,
  };
  if (!weight) return { scores, gradient: null };
  const gradient = rows.flatMap((row, u) => {
    const own = of(u).map((target, i) => ({ target, slope: -weight[packed.start[u]! + i]! }));
    const sum = own.reduce((all, { slope }) => all + slope, 0);
    return row.map((logp, v) => own.reduce((g, o) => g + (o.target === v ? o.slope : 0), -sum * Math.exp(logp)));
  });
  return { scores, gradient };
};

describe('self-distillation is TRL’s', () => {
  it('has a case for every way to compare', () => {
    expect(new Set(CASES.map(([, c]) => c.mode))).toEqual(new Set(DISTILLATION_MODES));
    expect(VOCABULARY).toBeGreaterThan(4);
  });

  it.each(CASES)('loss and gradient: %s', async (_, c) => {
    const { loss, tokenLoss, gradient } = await distilled(c, head);
    expect(loss).toBeCloseTo(c.loss, 6);
    expect(tokenLoss).toBeCloseTo(c.tokenLoss, 6);
    c.gradient.forEach((rows, g) =>
      rows.forEach((row, t) => row.forEach((v, at) => expect(gradient[g]![t]![at]).toBeCloseTo(v, 6))),
    );
    expect(c.gradient.flat(2).some((v) => Math.abs(v) > 1e-3)).toBe(true);
  });

  it('in f64 the divergence of a whole vocabulary is TRL’s to its last digits', () => {
    for (const [, c] of CASES.filter(([, { mode, taught }]) => mode === 'full_logits' && !taught)) {
      const settings = { distillationMode: c.mode, distillationAlpha: c.alpha, distillationAddTail: false };
      const each = c.student.map((rows, g) =>
        rows.map((row, t) => divergence(logSoftmax(row), logSoftmax(c.teacher[g]![t]!), settings).loss),
      );
      const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      expect(mean(each.map(mean))).toBeCloseTo(c.loss, 8);
      expect(mean(each.flat())).toBeCloseTo(c.tokenLoss, 8);
    }
  });

  it('stays finite where student and teacher share no token', () => {
    for (const distillationMode of ['topk_logits', 'full_logits'] as const)
      for (const distillationAlpha of [0, 0.5, 1])
        for (const distillationAddTail of [false, true]) {
          const { loss, slopes } = divergence([0, -800], [-800, 0], {
            distillationMode,
            distillationAlpha,
            distillationAddTail,
          });
          expect([loss, ...slopes].every(Number.isFinite)).toBe(true);
        }
  });
});
