/**
 * Is a file a benchmark? Decided from many of its rows, never from one: a benchmark's rows must not be trained on, and
 * one odd number must not make a row of it look like another form's. MIG-Bench (thunlp/Migician) has fractions, of which
 * some lie a little above 1; UniVG-R1's revision of it has thousandths under the same keys.
 */
import type { CoordinateSpace } from './dataset-ref.ts';
import type { RawRow } from './raw-row.ts';
import type { Table } from './tables/table.ts';

/** In what the file's boxes are measured. */
export type BenchmarkSpace = Extract<CoordinateSpace, 'fraction' | 'thousand'>;

const TASKS = new Set([
  'common_object',
  'correspondence',
  'diff',
  'group_grounding',
  'multi_view',
  'object_tracking',
  'reasoning',
  'refer_grounding',
  'region',
  'view_diff',
]);
/** Keys that the benchmark's rows have and training rows made after it have not. */
const OWN_KEYS = ['need_format', 'additional_info'];
const [LOOKED_AT, RUN] = [400, 20];
const MOST = 0.95;
/** A fraction may overshoot its picture so far: MIG-Bench's largest is 1.048. */
const OVERSHOOT = 1.1;

function migAnswer(value: unknown): readonly number[] | null {
  if (typeof value !== 'object' || value === null) return null;
  const { task, question, images, answer } = value as Record<string, unknown>;
  const four = Array.isArray(answer) && answer.length === 4 && answer.every((n) => Number.isFinite(n));
  const mine = typeof task === 'string' && TASKS.has(task) && typeof question === 'string' && Array.isArray(images);
  return four && mine ? (answer as number[]) : null;
}

/** The space of a file that is MIG-Bench; null for any other. */
export async function migBenchSpace(table: Table): Promise<BenchmarkSpace | null> {
  if (table.format !== null) return null;
  let [seen, mine, marked, fractions, thousandths] = [0, 0, 0, 0, 0];
  const runs = Math.max(1, Math.min(Math.ceil(table.length / RUN), LOOKED_AT / RUN));
  for (let run = 0; run < runs; run++) {
    const from = Math.floor((table.length * run) / runs);
    for await (const row of table.read(from, Math.min(table.length, from + RUN))) {
      seen++;
      const answer = row.kind === 'value' ? migAnswer(row.value) : null;
      if (!answer) continue;
      mine++;
      if (OWN_KEYS.some((key) => Object.hasOwn((row as { value: object }).value, key))) marked++;
      if (answer.every((n) => n >= 0 && n <= OVERSHOOT)) fractions++;
      else if (answer.every((n) => Number.isInteger(n) && n >= 0 && n <= 1000)) thousandths++;
    }
    // Most files are none: that is plain after a few rows.
    if (seen >= RUN && mine < seen / 2) return null;
  }
  if (mine === 0 || mine < MOST * seen) return null;
  if (fractions >= MOST * mine) return 'fraction';
  return thousandths >= MOST * mine && marked >= MOST * mine ? 'thousand' : null;
}

/** A row of such a file: in the file's space, and what overshoots the picture cut at its edge. */
export function asBenchmark(row: RawRow, space: BenchmarkSpace): RawRow {
  const said = { space, layout: 'xyxy', by: 'row' } as const;
  const edge = space === 'fraction' ? 1 : 1000;
  const over = row.boxes.some(({ numbers }) => numbers.some((n) => n > edge && n <= edge * OVERSHOOT));
  if (!over) return { ...row, said };
  const boxes = row.boxes.map((box) => ({
    ...box,
    numbers: box.numbers.map((n) => (n <= edge * OVERSHOOT ? Math.min(n, edge) : n)),
  }));
  return { ...row, boxes, said, done: [...(row.done ?? []), 'box-cut'] };
}
