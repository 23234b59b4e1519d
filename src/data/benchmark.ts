/**
 * Rows of published benchmarks become rows like all others, with their question beside them. What each benchmark is, and
 * which rows of a file are its, stands in src/benchmarks.
 */
import { FileOfBenchmark } from '../benchmarks/file-of-benchmark.ts';
import { BENCHMARKS, type BenchmarkName, type BenchmarkRow, type Question } from '../benchmarks/index.ts';
import type { FileSet } from './file-set.ts';
import { rowIssue, type RawRow, type ReadRow, type Source } from './raw-row.ts';
import type { Shelf } from './scan.ts';
import type { Table } from './tables/table.ts';

const [LOOKED_AT, RUN] = [400, 20];
/** A fraction may overshoot its picture so far: MIG-Bench's largest is 1.048. */
const OVERSHOOT = 1.1;

/** What some of a file's rows show, evenly over it; all of them are looked at in the pass over the file (scan.ts). */
export async function sampleBenchmark(table: Table): Promise<FileOfBenchmark> {
  const found = new FileOfBenchmark(table.file);
  const runs = Math.max(1, Math.min(Math.ceil(table.length / RUN), LOOKED_AT / RUN));
  for (let run = 0; run < runs; run++) {
    const from = Math.floor((table.length * run) / runs);
    for await (const row of table.read(from, Math.min(table.length, from + RUN)))
      if (row.kind === 'value') found.add(row.value);
  }
  return found;
}

/** Names of pictures by the folder they lie in, for benchmarks that number the frames of a video. */
export function folderLister(files: FileSet): (folder: string) => readonly string[] {
  let folders: Map<string, string[]> | null = null;
  return (folder) => {
    if (!folders) {
      folders = new Map();
      for (let i = 0; i < files.count; i++) {
        const parts = files.path(i).split('/');
        const [within = '', name = ''] = parts.slice(-2);
        const known = folders.get(within);
        if (known) known.push(name);
        else folders.set(within, [name]);
      }
    }
    return folders.get(folder.split('/').at(-1)!) ?? [];
  };
}

/** What is kept of a benchmark's row beside the row. */
function questionOf(row: BenchmarkRow): Question {
  const { benchmark, prompt, boxes, space, choice, categories, group, imageIds } = row;
  return {
    benchmark,
    prompt,
    boxes,
    space,
    ...(choice && { choice }),
    ...(categories && { categories }),
    ...(group !== undefined && { group }),
    ...(imageIds && { imageIds }),
  };
}

/** A row of a benchmark's file in the form that all formats share. `format`: MIG-Bench's rows as that format reads them. */
export function readBenchmarkRow(
  name: BenchmarkName,
  value: unknown,
  source: Source,
  { name: dataset, picturesIn }: Pick<Shelf, 'name' | 'picturesIn'>,
  format: (value: unknown) => ReadRow,
): ReadRow {
  const { read, title } = BENCHMARKS[name];
  const row =
    typeof value === 'object' && value !== null
      ? read!(value as Record<string, unknown>, { ...source, dataset, picturesIn })
      : 'it is no object';
  if (typeof row === 'string')
    return {
      ok: false,
      issues: [rowIssue(source, '', row, `Download the published file of ${title} again: ${BENCHMARKS[name].files}.`)],
    };
  const benchmark = questionOf(row);
  if (row.boxes.some(({ image }) => image < 0)) {
    const raw = format(value);
    return raw.ok ? { ok: true, row: insideItsPicture({ ...raw.row, benchmark }, row.space) } : raw;
  }
  return {
    ok: true,
    row: insideItsPicture(
      {
        id: row.id,
        task: row.task,
        images: row.images,
        turns: [
          { role: 'user', text: `${'<image>\n'.repeat(row.images.length)}${row.question}`, field: 'question' },
          { role: 'assistant', text: row.answer, field: 'answer' },
        ],
        boxes: row.boxes.map(({ corners, image }) => ({ numbers: corners, image })),
        refs: row.boxes.flatMap(({ label }) => (label === undefined ? [] : [label])),
        said: { space: row.space, layout: 'xyxy', by: 'row' },
        benchmark,
        source,
      },
      row.space,
    ),
  };
}

type Unnamed = Omit<RawRow, 'format'>;

/** In the benchmark's space, and what overshoots the picture cut at its edge. */
function insideItsPicture(row: Unnamed, space: Question['space']): Unnamed {
  const said = { space, layout: 'xyxy', by: 'row' } as const;
  if (space === 'natural') return { ...row, said };
  const edge = space === 'fraction' ? 1 : 1000;
  const over = row.boxes.some(({ numbers }) => numbers.some((n) => n > edge && n <= edge * OVERSHOOT));
  if (!over) return { ...row, said };
  const boxes = row.boxes.map((box) => ({
    ...box,
    numbers: box.numbers.map((n) => (n <= edge * OVERSHOOT ? Math.min(n, edge) : n)),
  }));
  return { ...row, boxes, said, done: [...(row.done ?? []), 'box-cut'] };
}
