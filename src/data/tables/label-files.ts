/**
 * VOC's annotations (VOC2012 devkit: `<annotation>` with `<object>`s of a `<bndbox>` in pixels) and YOLO's labels (a
 * line `class cx cy width height` an object, in fractions; names in data.yaml, classes.txt or *.names).
 */
import { PICTURE_ENDINGS } from '../../base/picture-files.ts';
import { detectionRow, inPicture, type Labelled } from '../formats/detection.ts';
import type { FileSet } from '../file-set.ts';
import { fileIssue } from '../file-set.ts';
import { rowIssue, type ReadRow } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';
import type { LedgerKey } from '../ledger.ts';
import { isTurned, TURNED_FIX } from '../turned.ts';
import { byFolder, filesTable } from './files-table.ts';
import type { Table } from './table.ts';

/** Most of a file that is looked at to know what it is. */
const HEAD = 2048;
const NUMBER = String.raw`-?\d{0,9}(?:\.\d{0,20})?(?:e[-+]?\d{1,3})?`;
const YOLO_LINE = new RegExp(String.raw`^\d{1,6}(?:[ \t]${NUMBER}){4,}\s*$`, 'i');
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name]!).trim();
const inside = (text: string, name: string): string | null => {
  const start = text.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : text.indexOf(`</${name}>`, start);
  return end < 0 ? null : unescaped(text.slice(start + name.length + 2, end));
};
const numberIn = (text: string, name: string): number => Number(inside(text, name) ?? NaN);

export function vocRow(text: string, file: string): ReadRow {
  const source = { file, line: 1 };
  const boxes: Labelled[] = [];
  for (const [i, part] of text.split('<object>').slice(1).entries()) {
    const object = part.slice(0, Math.max(0, part.indexOf('</object>')) || undefined);
    if (isTurned({ angle: numberIn(object, 'angle') || 0 }))
      return { ok: false, issues: [rowIssue(source, `object[${i}]`, 'the box is turned', TURNED_FIX)] };
    const numbers = ['xmin', 'ymin', 'xmax', 'ymax'].map((name) => numberIn(inside(object, 'bndbox') ?? '', name));
    if (!numbers.every(Number.isFinite))
      return {
        ok: false,
        issues: [
          rowIssue(
            source,
            `object[${i}].bndbox`,
            'it has no xmin, ymin, xmax and ymax',
            'Export the annotations again.',
          ),
        ],
      };
    const name = inside(object, 'name') || 'object';
    // Flickr30k Entities has numbers here, whose phrases stand in another file.
    boxes.push({ label: /^\d+$/.test(name) ? `class ${name}` : name, numbers });
  }
  const size = inside(text, 'size') ?? '';
  const name = inside(text, 'filename') ?? file.slice(file.lastIndexOf('/') + 1).replace(/\.xml$/i, '.jpg');
  const done = byNumber(boxes) ? (['classes-by-number'] as const) : [];
  return detectionRow(
    { image: name, ...inPicture(boxes, numberIn(size, 'width'), numberIn(size, 'height')), done },
    source,
  );
}

const byNumber = (boxes: readonly Labelled[]): boolean => boxes.some(({ label }) => /^class \d+$/.test(label));

/** What the numbers behind a YOLO class are, by their count and kind. `points`: numbers of key points behind a box. */
function yoloShape(numbers: readonly number[], points: number): 'box' | 'scored' | 'turned' | 'points' | 'outline' {
  const more = numbers.length - 4;
  if (more === 0) return 'box';
  if (more === 1) return numbers[4]! >= 0 && numbers[4]! <= 1 ? 'scored' : 'turned';
  if (points > 0 && (more === points || more === points + 1)) return 'points';
  // Key points as x, y and how visible: 0, 1 or 2.
  const visible = numbers.filter((_, i) => i >= 4 && i % 3 === 0);
  if (more % 3 === 0 && visible.every((n) => n === 0 || n === 1 || n === 2)) return 'points';
  return 'outline';
}

/** `points`: numbers of key points behind each box, where data.yaml gives their shape. */
export function yoloRow(text: string, file: string, image: string, { names, points }: Classes): ReadRow {
  const source = { file, line: 1 };
  const boxes: Labelled[] = [];
  const done = new Set<LedgerKey>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [kind, ...numbers] = line.trim().split(/\s+/).map(Number) as [number, ...number[]];
    if (!Number.isInteger(kind) || numbers.length < 4 || !numbers.every(Number.isFinite))
      return {
        ok: false,
        issues: [
          rowIssue({ file, line: i + 1 }, '', 'it is not “class cx cy width height”', 'Export the labels again.'),
        ],
      };
    const label = names[kind] ?? `class ${kind}`;
    const shape = yoloShape(numbers, points);
    if (shape === 'turned')
      return { ok: false, issues: [rowIssue({ file, line: i + 1 }, '', 'the box is turned', TURNED_FIX)] };
    if (shape === 'scored') done.add('fields-dropped');
    if (shape === 'points') done.add('shapes-dropped');
    if (shape === 'outline') {
      // An odd number behind pairs is a confidence.
      const pairs = numbers.slice(0, numbers.length - (numbers.length % 2));
      if (pairs.length < numbers.length) done.add('fields-dropped');
      const [xs, ys] = [0, 1].map((k) => pairs.filter((_, j) => j % 2 === k)) as [number[], number[]];
      boxes.push({ label, numbers: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] });
      done.add('outlines-reduced');
    } else {
      const [cx, cy, w, h] = numbers as [number, number, number, number];
      boxes.push({ label, numbers: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] });
    }
  }
  if (byNumber(boxes)) done.add('classes-by-number');
  return detectionRow({ image, boxes, space: 'fraction', done: [...done] }, source);
}

/** How many numbers data.yaml says that key points have, `kpt_shape: [17, 3]`; 0 without. */
function pointsIn(yaml: string): number {
  const shape = /^kpt_shape:[ \t]*\[[ \t]*(\d{1,4})[ \t]*,[ \t]*([23])[ \t]*\]/m.exec(yaml);
  return shape ? Number(shape[1]) * Number(shape[2]) : 0;
}

interface Classes {
  readonly names: readonly string[];
  readonly points: number;
  /** The file that says it. */
  readonly file?: number;
}

/** Names of classes by number, of the nearest file that has some; and how many numbers key points have. */
async function namesOf(set: FileSet): Promise<Classes> {
  for (let i = 0; i < set.count; i++) {
    const path = set.path(i);
    if (!/(?:^|\/)(?:classes\.txt|[\w-]*\.names|(?:data|dataset)\.ya?ml)$/i.test(path)) continue;
    const text = await (await set.open(i)).text();
    if (!/\.ya?ml$/i.test(path))
      return {
        names: text
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean),
        points: 0,
        file: i,
      };
    const names = yamlNames(text);
    if (names.length) return { names, points: pointsIn(text), file: i };
  }
  return { names: [], points: 0 };
}

/** `names:` of a data.yaml: a list in brackets, a list of dashes, or a map of numbers. */
export function yamlNames(text: string): string[] {
  const plain = (name: string) => name.trim().replace(/^(["'])(.*)\1$/, '$2');
  const inline = /^names:[ \t]*\[([^\]]{0,20000})\]/m.exec(text);
  if (inline) return inline[1]!.split(',').map(plain);
  const lines = text.split('\n');
  const names: string[] = [];
  for (const line of lines.slice(lines.findIndex((each) => /^names:\s*$/.test(each)) + 1 || lines.length)) {
    const item = /^\s*(?:-|(\d{1,6}):)\s*(\S.*)$/.exec(line);
    if (!item) break;
    names[item[1] === undefined ? names.length : Number(item[1])] = plain(item[2]!);
  }
  return names;
}

/** The picture that a label file belongs to: of its name, in `images` where the file lies in `labels`. */
function pictureOf(file: string, set: FileSet): string {
  const stem = file.replace(/\.txt$/i, '');
  const beside = stem.replace(/(^|\/)labels\/(?!.*\/labels\/)/, '$1images/');
  for (const end of PICTURE_ENDINGS)
    for (const base of [beside, stem]) if (set.find(base + end) >= 0) return base + end;
  const name = stem.slice(stem.lastIndexOf('/') + 1);
  for (const end of PICTURE_ENDINGS) if (set.named(name + end).length > 0) return name + end;
  return `${beside}.jpg`;
}

export interface LabelFiles {
  readonly tables: readonly Table[];
  readonly issues: readonly RowIssue[];
  /** Files that are read here. */
  readonly read: ReadonlySet<number>;
}

/** What lies among the files as VOC or YOLO has it. */
export async function labelTables(set: FileSet): Promise<LabelFiles> {
  const voc: number[] = [];
  const yolo: number[] = [];
  const issues: RowIssue[] = [];
  const read = new Set<number>();
  for (let i = 0; i < set.count; i++) {
    const path = set.path(i);
    const isXml = /\.xml$/i.test(path);
    if (!isXml && !/\.txt$/i.test(path)) continue;
    let head: string;
    try {
      head = new TextDecoder().decode(await set.head(i, HEAD));
    } catch {
      continue; // told where files are named that are not read
    }
    if (isXml && /<annotation[\s>]/.test(head)) voc.push(i);
    else if (isXml && /<annotations[\s>]/.test(head) && head.includes('<image ')) {
      read.add(i);
      issues.push(
        fileIssue(
          path,
          'it is an export of CVAT in its own XML',
          'Export it from CVAT as “COCO 1.0”, and drop that.',
          'warning',
        ),
      );
    } else if (!isXml && YOLO_LINE.test(head.slice(0, head.indexOf('\n') < 0 ? undefined : head.indexOf('\n'))))
      yolo.push(i);
  }
  for (const i of [...voc, ...yolo]) read.add(i);
  const classes: Classes = yolo.length ? await namesOf(set) : { names: [], points: 0 };
  if (classes.file !== undefined) read.add(classes.file);
  const tables = [
    ...Array.from(byFolder(voc, set), ([folder, files]) =>
      filesTable(set, { name: `${folder}*.xml`, kind: 'VOC XML', format: 'VOC', files, read: vocRow }),
    ),
    ...Array.from(byFolder(yolo, set), ([folder, files]) =>
      filesTable(set, {
        name: `${folder}*.txt`,
        kind: 'YOLO labels',
        format: 'YOLO',
        files,
        read: (text, file) => yoloRow(text, file, pictureOf(file, set), classes),
      }),
    ),
  ];
  return { tables, issues, read };
}
