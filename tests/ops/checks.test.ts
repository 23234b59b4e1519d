/**
 * Every op asks for its checks. Ops are read off the files: a module of src/ops that brings in a kernel, or puts a node
 * on the tape. Whoever adds one says here how it is known to be right; a kernel that the race check never runs, an op
 * without an entry, and an entry whose test is gone fail by name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Recorder } from '../../src/gpu/recorder.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { PROOF_CASES } from '../../src/ops/proof.ts';
import { drySession } from '../gpu/dry-session.ts';
import { LONG_ROW, RACE_CASES, type RaceCase } from '../gpu/race-cases.ts';
import { Inputs } from '../gpu/training-step.ts';

/** A test: its file under tests/, and words of its name or of its group's. */
type Evidence = readonly [file: string, words: string];
/** Why there is nothing to be checked. */
type Reason = { readonly none: string };

interface Checks {
  /** Against values that PyTorch computed. */
  readonly golden: Evidence | Reason;
  /** Its backward against finite differences of its forward, or of a reference that the kernels are held to. */
  readonly differences: Evidence | Reason;
  /** `op` of its case in the self-proof on the visitor's device, or of the case that runs its kernels. */
  readonly proof: string | Reason;
}

const MOVES: Reason = { none: 'it moves numbers and rounds nothing: its own tests compare to the bit' };
const NO_GRADIENT: Reason = { none: 'no gradient passes through it' };

const CHECKS: Readonly<Record<string, Checks>> = {
  adamw: { golden: ['ops/adamw.gpu.test.ts', 'golden.trajectories'], differences: NO_GRADIENT, proof: 'AdamW' },
  add: {
    golden: { none: 'it is one addition' },
    differences: ['ops/tape.gpu.test.ts', 'passes through residuals and around them'],
    proof: { none: 'it is one addition' },
  },
  attention: {
    golden: ['ops/attention.gpu.test.ts', 'attention against PyTorch'],
    differences: ['ops/attention.gpu.test.ts', 'the reference itself has the gradients of its forward'],
    proof: 'Attention',
  },
  concat: {
    golden: MOVES,
    differences: ['ops/columns.gpu.test.ts', 'matrices side by side, and their gradients apart again'],
    proof: MOVES,
  },
  dropout: {
    golden: { none: 'its draws are of our own generator' },
    differences: ['ops/dropout.gpu.test.ts', 'its gradients see the same mask'],
    proof: { none: 'its draws are checked against their definition, for all seeds alike' },
  },
  expand: {
    golden: { none: 'codes become the numbers they stand for; what they stand for is checked where they are made' },
    differences: NO_GRADIENT,
    proof: { none: 'only software adapters are given it' },
  },
  fold: { golden: ['train/merge.gpu.test.ts', 'merg'], differences: NO_GRADIENT, proof: 'Merge of an adapter' },
  gather: {
    golden: MOVES,
    differences: ['ops/tape.gpu.test.ts', 'keeps rows that were not gathered at zero'],
    proof: 'Embedding with image features',
  },
  gelu: {
    golden: ['ops/golden-ops.gpu.test.ts', "describe('GELU'"],
    differences: ['ops/proof-reference.test.ts', 'the three forms of GELU'],
    proof: 'GELU, erf',
  },
  interpolate: {
    golden: ['models/golden.gpu.test.ts', 'golden'],
    differences: NO_GRADIENT,
    proof: { none: 'four products and their sum, compared with f64 in its own test' },
  },
  'layer-norm': {
    golden: ['ops/golden-ops.gpu.test.ts', "describe('layer norm'"],
    differences: ['ops/golden-ops.gpu.test.ts', 'about $mean, by finite differences in f64'],
    proof: 'Layer norm',
  },
  linear: {
    golden: ['ops/golden-ops.gpu.test.ts', 'is PEFT’s, forward and backward'],
    differences: ['ops/proof-reference.test.ts', 'linear with LoRA'],
    proof: 'Linear with LoRA',
  },
  'log-probs': {
    golden: ['ops/golden-ops.gpu.test.ts', 'gives PyTorch’s log-probs, entropies, loss and gradient'],
    differences: ['ops/proof-reference.test.ts', 'the head, its log-probs weighted'],
    proof: 'Head and cross-entropy',
  },
  matmul: {
    golden: ['ops/golden-ops.gpu.test.ts', 'is PEFT’s, forward and backward'],
    differences: ['ops/proof-reference.test.ts', 'linear with LoRA'],
    proof: 'Linear with LoRA',
  },
  'policy-loss': {
    golden: ['ops/policy-loss.gpu.test.ts', 'TRL’s'],
    differences: ['ops/policy-loss.gpu.test.ts', 'finiteDifference'],
    proof: 'GRPO objective',
  },
  quantise: {
    golden: ['models/quantised.gpu.test.ts', 'golden'],
    differences: NO_GRADIENT,
    proof: { none: 'each format is compared with its definition, code by code, in its own test' },
  },
  'rms-norm': {
    golden: ['ops/golden-ops.gpu.test.ts', "describe('RMS norm'"],
    differences: [
      'ops/golden-ops.gpu.test.ts',
      'holds where neither rows nor columns are round, by finite differences',
    ],
    proof: 'RMS norm',
  },
  roofline: {
    golden: { none: 'only its time is looked at' },
    differences: NO_GRADIENT,
    proof: { none: 'only its time is looked at' },
  },
  rotary: {
    golden: ['ops/golden-ops.gpu.test.ts', "describe('rotary embedding'"],
    differences: ['ops/proof-reference.test.ts', 'the rotary embedding'],
    proof: 'Rotary embedding',
  },
  sample: {
    golden: { none: 'its draws are of our own generator; what it draws from is compared with f64' },
    differences: NO_GRADIENT,
    proof: { none: 'its draws are compared with a reference of the generator, token by token' },
  },
  swiglu: {
    golden: ['ops/golden-ops.gpu.test.ts', "describe('the gated product'"],
    differences: ['ops/proof-reference.test.ts', 'the gated product'],
    proof: 'SwiGLU',
  },
};

/** Modules that are parts of an op, which answers for them. */
const PART_OF: Readonly<Record<string, string>> = {
  'attention-kernels': 'attention',
  'attention-tiles': 'attention',
  'product-tiles': 'matmul',
  'objective-kernels': 'policy-loss',
  objectives: 'policy-loss',
};

const text = (path: string) => readFileSync(path, 'utf8');

/** Names of ops, by what their files do. */
const ops = readdirSync('src/ops')
  .filter((file) => /\.wgsl'|tape\.node\(/.test(text(`src/ops/${file}`)))
  .map((file) => file.replace(/\.ts$/, ''))
  .map((name) => PART_OF[name] ?? name);

/** WGSL that is included by name: what stands in gpu/library.ts or in an op's table of its own pieces. */
const pieces = new Set(
  ['src/gpu/library.ts', ...readdirSync('src/ops').map((file) => `src/ops/${file}`)].flatMap((path) => {
    const source = text(path);
    const table = /(?:library|PIECES)[^=]*= \{([^}]*)\}/.exec(source)?.[1] ?? '';
    return [...source.matchAll(/import (\w+) from '.*shaders\/(.+\.wgsl)'/g)].flatMap(([, name, file]) =>
      new RegExp(`\\b${name}\\b`).test(table) ? [file!] : [],
    );
  }),
);

/** WGSL that ops bring in. */
const kernelFiles = (readdirSync('src/ops') as string[])
  .flatMap((file) => [...text(`src/ops/${file}`).matchAll(/shaders\/(.+\.wgsl)'/g)].map((match) => match[1]!))
  // Pieces that kernels include have no entry of their own, or leave the entry's work to who includes them.
  .filter((file) => !pieces.has(file))
  // Its operands are as large as a GPU is fast; each invocation touches words of its own alone.
  .filter((file) => !file.startsWith('roofline/'));

/** Ops that say nothing of their checks. */
const unchecked = (entries: readonly string[]) => [...new Set(ops)].filter((op) => !entries.includes(op));

test('an op without its entry is missed by name', () => {
  const entries = Object.keys(CHECKS);
  expect(unchecked(entries)).toEqual([]);
  for (const op of entries) expect(unchecked(entries.filter((each) => each !== op))).toEqual([op]);
});

test.each([...new Set(ops)])('%s says how it is known to be right', (op) => {
  expect(Object.keys(CHECKS), `tests/ops/checks.test.ts has no entry for src/ops/${op}.ts`).toContain(op);
});

test.each(Object.keys(CHECKS))('%s is an op', (name) => expect(ops).toContain(name));

describe.each(Object.entries(CHECKS))('of %s', (op, { golden, differences, proof }) => {
  test.each(Object.entries({ golden, differences }))('its check is there: %s', (_, check) => {
    if ('none' in check) return void expect(check.none).not.toBe('');
    const [file, words] = check;
    expect(text(`tests/${file}`), `tests/${file}, for ${op}`).toContain(words);
  });

  test('its proof is there', () => {
    if (typeof proof === 'string') expect(PROOF_CASES.map((c) => c.op)).toContain(proof);
    else expect(proof.none).not.toBe('');
  });
});

/** Sources of all kernels that the given cases record, in every tuning. */
function recorded(cases: readonly RaceCase[]): string[] {
  const run = new Set<string>();
  for (const profile of PROFILES)
    for (const subgroupSize of [4, 8, 32, 0])
      for (const record of cases) {
        const session = drySession({ profile, subgroupSize });
        record(new Inputs(new Recorder(session, 'recorded')), session);
        for (const { source } of session.kernels.sources) run.add(source);
      }
  return [...run];
}

/** Whether a kernel file is among the sources; pieces of the op's own may stand in the place of its includes. */
const among = (sources: readonly string[], file: string): boolean => {
  const own = text(`shaders/${file}`).split(/^[ \t]*#include.*$/m);
  return sources.some((source) => own.every((part) => source.includes(part)));
};

describe('the race check', () => {
  const sources = recorded([...Object.values(RACE_CASES), LONG_ROW]);

  test.each(kernelFiles)('runs shaders/%s', (file) => {
    expect(among(sources, file), 'add a case with this kernel to tests/gpu/race-cases.ts').toBe(true);
  });

  test.each(['the optimizer and the merge', 'every objective, and ratios of every level'])(
    'misses kernels without %s',
    (name) => {
      expect(RACE_CASES).toHaveProperty([name]);
      const fewer = recorded(Object.entries(RACE_CASES).flatMap(([each, record]) => (each === name ? [] : [record])));
      expect(kernelFiles.filter((file) => !among(fewer, file))).not.toEqual([]);
    },
  );
});
