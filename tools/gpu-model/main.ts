/**
 * What a GPU's own compiler makes of our kernels, and the time that follows from it, without the GPU:
 *
 *     npm run gpu-model -- [--family navi31] [--profile shared] [--shapes Qwen2.5-VL-3B-Instruct] [--format f16]
 *                          [--tokens 1024] [--all]
 *
 * Mesa's RADV compiles for an AMD card that is not there. See docs/gpu-model.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readLog, type Kernel } from './assembly.ts';
import type { Compiled, Counted } from './compile.ts';
import { costOf, timeOf, type Time } from './model.ts';
import { FAMILIES, peak, type Family } from './families.ts';
import { compileFor, ModelUnavailable } from './driver.ts';

export interface Line extends Counted {
  readonly program: string;
  readonly compiled: Kernel;
  readonly time: Time;
}

/** A label such as `matmul/nt {…}`: its name and what tells variants apart. */
export function shortName(label: string): string {
  const [name, rest] = [label.split(' ')[0]!, label.slice(label.indexOf('{'))];
  let constants: Record<string, unknown> = {};
  try {
    constants = JSON.parse(rest) as Record<string, unknown>;
  } catch {
    return label;
  }
  const told = ['BITS', 'TM', 'TC', 'TN', 'LORA', 'SPLIT', 'HALF', 'QUADS', 'HEADS'].filter((key) => constants[key]);
  return `${name}${told.map((key) => ` ${key.toLowerCase()}${constants[key] === true ? '' : ` ${String(constants[key])}`}`).join('')}`;
}

export function linesOf(compiled: Compiled, kernels: readonly Kernel[], family: Family): Line[] {
  const byName = new Map(kernels.map((kernel) => [kernel.name, kernel]));
  return compiled.programs.flatMap(({ label, dispatches }) =>
    dispatches.flatMap((work) => {
      const kernel = byName.get(work.kernel);
      if (!kernel) return [];
      return [{ ...work, program: label, compiled: kernel, time: timeOf(kernel, work, work.invocations, family) }];
    }),
  );
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const us = (seconds: number) => (seconds * 1e6).toFixed(seconds < 1e-4 ? 1 : 0);

function table(lines: readonly Line[], family: Family): string[] {
  const out = [
    '| kernel | times | registers | spills | waves | LDS | useful | µs each | bound by | of peak |',
    '|---|--:|--:|--:|--:|--:|--:|--:|---|--:|',
  ];
  for (const { kernel, count, compiled, time } of lines) {
    const { statistics: s } = compiled;
    out.push(
      `| ${shortName(kernel)} | ${count} | ${s.registers} | ${s.spilled} | ${s.waves} | ${s.shared} | ${percent(costOf(compiled, family, s.waves).useful)} | ${us(time.seconds)} | ${time.bound} | ${percent(time.share)} |`,
    );
  }
  return out;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      family: { type: 'string', default: 'navi31' },
      profile: { type: 'string', default: 'shared' },
      shapes: { type: 'string', default: 'Qwen2.5-VL-3B-Instruct' },
      format: { type: 'string', default: 'f16' },
      tokens: { type: 'string', default: '1024' },
      all: { type: 'boolean', default: false },
    },
  });
  const family = FAMILIES[values.family];
  if (!family) {
    console.error(`No card is known as ${values.family}. Known: ${Object.keys(FAMILIES).join(', ')}.`);
    return 2;
  }
  try {
    const { folder, dispose } = await compileFor(values.family, [
      values.shapes,
      values.profile,
      values.format,
      values.tokens,
    ]);
    const compiled = JSON.parse(readFileSync(join(folder, 'programs.json'), 'utf8')) as Compiled;
    const kernels = readLog(readFileSync(join(folder, 'log'), 'utf8'));
    dispose();
    const lines = linesOf(compiled, kernels, family);
    console.log(
      `${family.card}, ${(2e-12 * peak(family)).toFixed(1)} TFLOP/s f32, ${family.memoryBytes / 1e9} GB/s · ${compiled.device} · ${values.shapes}, ${values.format}, T ${values.tokens}, ${values.profile}${compiled.matrix ? `, matrices ${JSON.stringify(compiled.matrix)}` : ''}`,
    );
    for (const program of new Set(lines.map((line) => line.program))) {
      const own = lines
        .filter((line) => line.program === program)
        .toSorted((a, b) => b.count * b.time.seconds - a.count * a.time.seconds);
      const seconds = own.reduce((sum, { count, time }) => sum + count * time.seconds, 0);
      const work = own.reduce((sum, { count, multiplyAdds }) => sum + count * multiplyAdds, 0);
      const dispatches = own.reduce((sum, { count }) => sum + count, 0);
      console.log(
        `\n## ${program}: ${(seconds * 1e3).toFixed(2)} ms in ${dispatches} dispatches, ${percent(work / seconds / peak(family))} of the peak\n`,
      );
      console.log(table(values.all ? own : own.slice(0, 14), family).join('\n'));
    }
    return 0;
  } catch (error) {
    if (!(error instanceof ModelUnavailable)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (process.argv[1]?.endsWith('main.ts')) process.exitCode = await main();
