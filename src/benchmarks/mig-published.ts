/**
 * Published rows of MIG-Bench, Acc@0.5 in per cent, by task, as UniVG-R1 prints them in one table. Denominators of
 * `reasoning` differ between its rows (97, 99 and 101 questions), so no task is quoted without its n.
 */
import type { PublishedRow } from './benchmark.ts';

const SOURCE = 'UniVG-R1 (arXiv 2505.14231), main table, read from figs/result1.png of AMAP-ML/UniVG-R1';
const TASKS = [
  'diff',
  'view_diff',
  'common_object',
  'object_tracking',
  'multi_view',
  'region',
  'refer_grounding',
  'group_grounding',
  'reasoning',
  'correspondence',
] as const;

interface MigRow extends Omit<PublishedRow, 'samePrompt' | 'sameRule'> {
  /** Whose prompt and script made it. */
  readonly script: 'migician' | 'univg' | 'unknown';
}

const row = (model: string, script: MigRow['script'], numbers: readonly number[], note?: string): MigRow => ({
  model,
  script,
  figures: { ...Object.fromEntries(TASKS.map((task, i) => [task, numbers[i]!])), average: numbers.at(-1)! },
  source: SOURCE,
  ...(note === undefined ? {} : { note }),
});

export const MIG_PUBLISHED: readonly MigRow[] = [
  row('Qwen2-VL-7B', 'migician', [29.92, 36.17, 43.07, 14.55, 9.38, 15.54, 29.29, 63.51, 44.33, 16.24, 30.2]),
  row('Qwen2-VL-72B', 'migician', [51.13, 43.61, 73.74, 24.54, 32.63, 19.86, 37.37, 67.83, 50.51, 17.94, 41.91]),
  row(
    'InternVL2-8B',
    'unknown',
    [8.52, 19.15, 38.4, 19.82, 10.07, 5.24, 34.34, 39.79, 26.8, 7.69, 20.98],
    'The script asks InternVL2 in another form.',
  ),
  row(
    'Migician',
    'migician',
    [70.64, 45.74, 72.76, 67.82, 60.07, 72.57, 75.76, 84.12, 52.58, 33.33, 63.54],
    'The script stretches this model’s boxes downwards before it scores them.',
  ),
  row(
    'UniVG-R1',
    'univg',
    [71.97, 58.51, 93.13, 76.36, 66.32, 81.71, 82.83, 88.04, 62.89, 44.44, 72.64],
    'Asked to think first; scored on UniVG-R1’s revision of the file.',
  ),
  {
    model: 'MIRG-RL',
    script: 'unknown',
    figures: { average: 64.82 },
    source: 'MIRG-RL (arXiv 2509.21788), abstract',
  },
];
