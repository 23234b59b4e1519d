/**
 * Questions made from annotations: COCO's categories, RefCOCO's phrases, MC-Bench's descriptions. The boxes are those
 * of the file; only the wording of the question is ours, and for RefCOCO and MC-Bench the phrase is theirs.
 */
import { printed } from '../../base/json.ts';
import { Column } from '../../base/columns.ts';
import type { Question as BenchmarkQuestion } from '../../benchmarks/index.ts';
import { refCocoPrompt, refCocoTask } from '../../benchmarks/refcoco.ts';
import { fromSides } from '../../benchmarks/read.ts';
import type { ElementIndex } from '../../formats/element-index.ts';
import type { JsonIndex } from '../../formats/json-index.ts';
import { readElements } from '../../formats/element-index.ts';
import { parseJson } from '../../formats/jsonl.ts';
import type { Size } from '../../grounding/box.ts';
import type { Ledger } from '../ledger.ts';
import type { FormatName, RawBox, RawRow } from '../raw-row.ts';
import { rowIssue } from '../raw-row.ts';
import type { Provenance } from '../row.ts';
import { elementsOf, withWholeIds, type Annotations } from './annotations.ts';
import type { Table, TableRow } from './table.ts';

export interface Question {
  readonly format: FormatName;
  readonly id: string | null;
  readonly task: string;
  readonly images: readonly string[];
  readonly text: string;
  readonly label: string | null;
  readonly boxes: readonly RawBox[];
  readonly sizes: readonly (Size | null)[];
  readonly split?: string;
  readonly file: string;
  readonly line: number;
  /** What is said where there is no box. */
  readonly none?: string;
  readonly done?: RawRow['done'];
  readonly provenance?: Provenance;
  /** Default true: a box that cannot be one is left out of the answer. */
  readonly separable?: boolean;
  readonly benchmark?: BenchmarkQuestion;
}

/** A box as a benchmark's own script has it. */
const truthBox = ({ numbers, image }: RawBox, label?: string): BenchmarkQuestion['boxes'][number] => ({
  corners: fromSides(numbers as unknown as Parameters<typeof fromSides>[0]),
  image: image!,
  ...(label !== undefined && { label }),
});

export function rawQuestion({
  format,
  id,
  task,
  images,
  text,
  label,
  boxes,
  sizes,
  split,
  file,
  line,
  none,
  done,
  provenance,
  separable = true,
  benchmark,
}: Question): RawRow {
  return {
    format,
    id,
    task,
    images,
    turns: [
      { role: 'user', text: `${'<image>\n'.repeat(images.length)}${text}`, field: 'annotations' },
      {
        role: 'assistant',
        text: boxes.length
          ? boxes.map(() => (label === null ? '<bbox>' : '<ref-object><bbox>')).join('\n')
          : (none ?? ''),
        field: 'annotations',
      },
    ],
    boxes,
    refs: label === null ? [] : boxes.map(() => label),
    said: { space: 'natural', layout: 'xywh', by: 'format' },
    sizes,
    ...(separable && { separable: true as const }),
    ...(split === undefined ? {} : { split }),
    ...(done && { done }),
    ...(provenance && { provenance }),
    ...(benchmark && { benchmark }),
    source: { file, line },
  };
}

/** Every picture, or group of `perRow` pictures, with every category seen in it: “find every …”. */
export function cocoTable(annotations: Annotations, perRow: number, ledger: Ledger): Table {
  const { file, imageNames, categories } = annotations;
  const { starts, order } = annotations.by(annotations.image, imageNames.length);
  for (let image = 0; image < imageNames.length; image++)
    if (starts[image] === starts[image + 1]) ledger.add('picture-without-boxes', { file, line: image + 1 });
  const groups = Math.ceil(imageNames.length / perRow);
  const rowGroup = new Column(Uint32Array);
  const rowCategory = new Column(Uint32Array);
  const imagesOf = (group: number) => {
    const from = group * perRow;
    return Array.from({ length: Math.min(perRow, imageNames.length - from) }, (_, i) => from + i);
  };
  const boxesOf = (group: number) =>
    imagesOf(group).flatMap((image, i) =>
      Array.from(order.subarray(starts[image], starts[image + 1]), (annotation) => ({ annotation, image: i })),
    );
  for (let group = 0; group < groups; group++)
    for (const category of new Set(boxesOf(group).map(({ annotation }) => annotations.category.get(annotation)))) {
      rowGroup.push(group);
      rowCategory.push(category);
    }
  return {
    file,
    kind: 'JSON',
    format: 'COCO',
    length: rowGroup.length,
    bytes: annotations.bytes + rowGroup.bytes + rowCategory.bytes + starts.byteLength + order.byteLength,
    async *read(from, to) {
      for (let row = from; row < Math.min(to, rowGroup.length); row++) {
        const group = rowGroup.get(row);
        const name = categories.get(rowCategory.get(row));
        const boxes = boxesOf(group).filter(
          ({ annotation }) => annotations.category.get(annotation) === rowCategory.get(row),
        );
        const images = imagesOf(group).map((image) => imageNames.get(image));
        const raw = rawQuestion({
          format: 'COCO',
          id: null,
          task: images.length > 1 ? 'common_object' : 'detection',
          images,
          text: `Find every ${name} in the ${images.length > 1 ? 'images' : 'image'} and give ${images.length > 1 ? 'their boxes' : 'its box'}.`,
          label: name,
          boxes: boxes.map(({ annotation, image }) => annotations.box(annotation, image)),
          sizes: imagesOf(group).map((image) => annotations.size(image)),
          ...(/^class \d+$/.test(name) && { done: ['classes-by-number'] as const }),
          file,
          line: row + 1,
        });
        yield { line: row + 1, kind: 'raw', raw };
      }
    },
  };
}

/** MC-Bench: a description of something in one of two pictures, in both, or in neither. */
export async function mcBenchTable(annotations: Annotations, blob: Blob, { members }: JsonIndex): Promise<Table> {
  const descriptions = members.get('descriptions')!.elements!;
  const { starts, order } = annotations.by(annotations.textOf, descriptions.length);
  const { file } = annotations;
  const unclear = new Set(annotations.unclearText.view());
  return {
    file,
    kind: 'JSON',
    format: 'MC-Bench',
    length: descriptions.length,
    bytes: annotations.bytes + descriptions.bytes + starts.byteLength + order.byteLength,
    async *read(from, to) {
      for await (const { i, bytes } of readElements(blob, descriptions, from, Math.min(to, descriptions.length)))
        yield mcBenchRow(annotations, i, bytes, unclear.has(i) ? null : order.subarray(starts[i], starts[i + 1]));
    },
  };
}

/** `own`: its annotations; null: one of them cannot be read, and without it every answer would be judged wrongly. */
function mcBenchRow(annotations: Annotations, i: number, bytes: Uint8Array, own: Uint32Array | null): TableRow {
  const source = { file: annotations.file, line: i + 1 };
  const bad = (field: string, reason: string, fix: string): TableRow => ({
    line: i + 1,
    kind: 'bad',
    issue: rowIssue(source, `descriptions[${i}]${field}`, reason, fix),
  });
  const parsed = parseJson(withWholeIds(bytes));
  const value = (parsed.ok ? parsed.value : null) as Record<string, unknown> | null;
  if (typeof value !== 'object' || value === null) return bad('', 'it is not an object', 'Download the file again.');
  const ids = Array.isArray(value.images_id) ? (value.images_id as unknown[]) : [];
  const images = ids.map((id) => annotations.imageIds.find(id));
  if (!images.length || images.includes(-1))
    return bad('.images_id', 'it names pictures that are not in “images”', 'Download the file again.');
  if (!own) return bad('', 'one of its annotations cannot be read', 'Download the file again.');
  if (own.length === 0 && value.positive_sample === true)
    return bad('', 'it is a positive sample, and no annotation is of it', 'Download the file again.');
  const boxes = Array.from(own, (annotation) =>
    annotations.box(annotation, images.indexOf(annotations.image.get(annotation))),
  );
  const text = `Find in the images: ${printed(value.text)}`;
  const benchmark: BenchmarkQuestion = {
    benchmark: 'mcBench',
    prompt: text,
    boxes: boxes.map((box, k) => truthBox(box, annotations.categories.get(annotations.category.get(own[k]!)))),
    space: 'natural',
    // Ids that are no numbers keep the order of the file, by which alone the script needs them.
    imageIds: ids.map((id, k) => (Number.isSafeInteger(id) ? (id as number) : images[k]!)),
  };
  const raw = rawQuestion({
    format: 'MC-Bench',
    id: `mc-bench-${printed(value.id)}`,
    task: typeof value.text_style === 'string' ? value.text_style : '',
    images: images.map((image) => annotations.imageNames.get(image)),
    text,
    label: null,
    boxes,
    benchmark,
    sizes: images.map((image) => annotations.size(image)),
    none: 'Neither image shows it.',
    file: annotations.file,
    line: i + 1,
  });
  return { line: i + 1, kind: 'raw', raw };
}

/** RefCOCO's referring expressions: every sentence of every reference. */
export async function refCocoTable(
  file: string,
  blob: Blob,
  references: ElementIndex,
  annotations: Annotations,
): Promise<Table> {
  const rowRef = new Column(Uint32Array);
  const rowSentence = new Column(Uint16Array);
  /** Then one without may be of the benchmark's part. */
  let parts = false;
  for await (const { place, value } of elementsOf(blob, references)) {
    parts ||= typeof value.split === 'string';
    for (let k = 0; k < (Array.isArray(value.sentences) ? value.sentences.length : 0); k++) {
      rowRef.push(place - 1);
      rowSentence.push(k);
    }
  }
  return {
    file,
    kind: 'JSON',
    format: 'RefCOCO',
    length: rowRef.length,
    bytes: annotations.bytes + references.bytes + rowRef.bytes + rowSentence.bytes,
    async *read(from, to) {
      for (let row = from; row < Math.min(to, rowRef.length); row++) {
        const at = rowRef.get(row);
        for await (const { bytes } of readElements(blob, references, at, at + 1))
          yield refRow(file, row, bytes, rowSentence.get(row), annotations, parts);
      }
    },
  };
}

function refRow(
  file: string,
  row: number,
  bytes: Uint8Array,
  k: number,
  annotations: Annotations,
  parts: boolean,
): TableRow {
  const source = { file, line: row + 1 };
  const value = (parseJson(withWholeIds(bytes)) as { value: Record<string, unknown> }).value;
  const sentence = (value.sentences as unknown[])[k];
  const phrase =
    typeof sentence === 'string'
      ? sentence
      : ((sentence as Record<string, unknown> | null)?.sent ?? (sentence as Record<string, unknown> | null)?.raw);
  const annotation = annotations.annotationIds.find(value.ann_id);
  if (annotation < 0 || typeof phrase !== 'string')
    return {
      line: row + 1,
      kind: 'bad',
      issue: rowIssue(
        source,
        annotation < 0 ? 'ann_id' : 'sentences',
        annotation < 0 ? `no annotation has the id ${printed(value.ann_id)}` : 'a sentence has no text',
        'Use the instances.json that belongs to these references.',
      ),
    };
  const box = annotations.box(annotation, 0);
  const split = typeof value.split === 'string' ? value.split : undefined;
  if (split === undefined && parts)
    return {
      line: row + 1,
      kind: 'bad',
      issue: rowIssue(
        source,
        'split',
        'its part is missing, and it may be of a part that is the benchmark',
        'Give it the split of the published file, or download that again.',
      ),
    };
  // Its training part is trained on; the others are the benchmark.
  const benchmark: BenchmarkQuestion | undefined =
    split !== undefined && /^(?:val|test)/i.test(split)
      ? { benchmark: 'refCoco', prompt: refCocoPrompt(phrase), boxes: [truthBox(box)], space: 'natural' }
      : undefined;
  const raw = rawQuestion({
    format: 'RefCOCO',
    id: `ref-${printed(value.ref_id)}-${k}`,
    task: benchmark ? refCocoTask(file, split) : 'refer',
    images: [annotations.imageNames.get(annotations.image.get(annotation))],
    text: `Find the region this refers to and give its box: ${phrase}`,
    label: phrase,
    boxes: [box],
    ...(benchmark && { benchmark }),
    sizes: [annotations.size(annotations.image.get(annotation))],
    ...(split !== undefined && { split }),
    file,
    line: row + 1,
  });
  return { line: row + 1, kind: 'raw', raw };
}
