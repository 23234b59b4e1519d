/** Questions about several pictures made of detection annotations, as tables; made once, from a seed, and read by place. */
import { count } from '../../base/counts.ts';
import { COMPOSED_KINDS, type Compose, type ComposedKind } from '../dataset-ref.ts';
import { fileIssue } from '../file-set.ts';
import type { Ledger } from '../ledger.ts';
import type { RowIssue } from '../row.ts';
import { splitByName } from '../split.ts';
import { Random } from '../../base/random.ts';
import type { Annotations } from './annotations.ts';
import { rawQuestion } from './coco-tables.ts';
import { compose, Labelled, shuffled, type ComposedRow } from './compose.ts';
import type { Table } from './table.ts';

const TASKS: Readonly<Record<ComposedKind, string>> = { find: 'find', common: 'common_object', count: 'count' };

const asks: Readonly<Record<ComposedKind, (name: string, pictures: number) => string>> = {
  find: (name, n) => `Find the ${name}. It is in one of these ${n} images. Give its box.`,
  common: (_, n) => `One kind of object is in all of these ${n} images. Find it, and give its box in each of them.`,
  count: (name, n) => `How many objects of the kind “${name}” are in these ${n} images together? Answer with a number.`,
};

/** A table for each file; rows are shared out by the number of pictures. Parts are drawn over pictures, not over rows. */
export function composedTables(
  files: readonly Annotations[],
  options: Compose,
  heldoutShare: number,
  ledger: Ledger,
): { tables: Table[]; issues: RowIssue[] } {
  const all = files.reduce((sum, { imageNames }) => sum + imageNames.length, 0);
  const tables: Table[] = [];
  const issues: RowIssue[] = [];
  for (const annotations of files) {
    const wanted = Math.round((options.rows * annotations.imageNames.length) / Math.max(1, all));
    const { rows, heldout } = composedRows(annotations, { ...options, rows: wanted }, heldoutShare, ledger);
    if (rows.length < wanted)
      issues.push(
        fileIssue(
          annotations.file,
          `${count(rows.length)} of ${count(wanted)} rows could be composed: its annotations give no more without a doubt about the answer`,
          'Ask for fewer rows, fewer pictures a row, or more kinds.',
          'warning',
        ),
      );
    tables.push(composedTable(annotations, rows, heldout, options, files.length > 1));
  }
  return { tables, issues };
}

/** Rows of training first, then `heldout` ones. */
function composedRows(annotations: Annotations, options: Compose, heldoutShare: number, ledger: Ledger) {
  const { file } = annotations;
  const labelled = new Labelled(annotations);
  for (const image of labelled.empty) ledger.add('picture-without-boxes', { file, line: image + 1 });
  const random = new Random(options.seed);
  const kinds = COMPOSED_KINDS.filter((kind) => options.kinds.includes(kind));
  const make = (images: readonly number[], rows: number) =>
    compose(labelled, images, { ...options, kinds, rows }, random);
  // The file's name says it: all of its pictures are in one part.
  if (splitByName(file) !== null) return { rows: make(labelled.images, options.rows), heldout: null };
  const images = shuffled(labelled.images, random);
  const out = Math.round(images.length * heldoutShare);
  const held = out >= options.pictures ? Math.round(options.rows * heldoutShare) : 0;
  const training = make(images.slice(held ? out : 0), options.rows - held);
  return { rows: [...training, ...make(images.slice(0, out), held)], heldout: training.length };
}

/** @param heldout place of the first held-out row; null: the file's name says which part it is */
function composedTable(
  annotations: Annotations,
  rows: readonly ComposedRow[],
  heldout: number | null,
  { seed }: Compose,
  several: boolean,
): Table {
  const { file, imageNames, imageIds, annotationIds, categories } = annotations;
  const stem = several ? `${file.slice(file.lastIndexOf('/') + 1).replace(/\.json$/i, '')}-` : '';
  return {
    file,
    kind: 'JSON',
    format: 'COCO, composed',
    length: rows.length,
    bytes:
      annotations.bytes + rows.reduce((sum, { images, boxes }) => sum + 64 + 8 * (images.length + boxes.length), 0),
    async *read(from, to) {
      for (let at = from; at < Math.min(to, rows.length); at++) {
        const { kind, category, images, boxes, total } = rows[at]!;
        const name = categories.get(category);
        const raw = rawQuestion({
          format: 'COCO, composed',
          id: `${stem}${kind}-${seed}-${at + 1}`,
          task: TASKS[kind],
          images: images.map((image) => imageNames.get(image)),
          text: asks[kind](name, images.length),
          label: name,
          boxes: boxes.map((annotation) =>
            annotations.box(annotation, images.indexOf(annotations.image.get(annotation))),
          ),
          none: String(total),
          sizes: images.map((image) => annotations.size(image)),
          ...(heldout !== null && { split: at < heldout ? 'train' : 'val' }),
          // An answer without one of its boxes would be a wrong one.
          separable: false,
          done: /^class \d+$/.test(name) ? ['rows-composed', 'classes-by-number'] : ['rows-composed'],
          provenance: {
            kind,
            seed,
            images: images.map((image) => imageIds.get(image)),
            annotations: boxes.map((annotation) => annotationIds.get(annotation)),
          },
          file,
          line: at + 1,
        });
        yield { line: at + 1, kind: 'raw', raw };
      }
    },
  };
}
