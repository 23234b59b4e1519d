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

export function yoloRow(text: string, file: string, image: string, names: readonly string[]): ReadRow {
  const source = { file, line: 1 };
  const boxes: Labelled[] = [];
  let outlines = false;
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
    // Six numbers and more, in pairs, are an outline; a fifth alone is a confidence.
    if (numbers.length >= 6 && numbers.length % 2 === 0) {
      const [xs, ys] = [0, 1].map((k) => numbers.filter((_, j) => j % 2 === k)) as [number[], number[]];
      boxes.push({ label, numbers: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] });
      outlines = true;
    } else {
      const [cx, cy, w, h] = numbers as [number, number, number, number];
      boxes.push({ label, numbers: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] });
    }
  }
  const done = [
    ...(outlines ? (['outlines-reduced'] as const) : []),
    ...(byNumber(boxes) ? (['classes-by-number'] as const) : []),
  ];
  return detectionRow({ image, boxes, space: 'fraction', done }, source);
}

/** Names of classes by number, of the nearest file that has some. */
async function namesOf(set: FileSet): Promise<readonly string[]> {
  for (let i = 0; i < set.count; i++) {
    const path = set.path(i);
    if (!/(?:^|\/)(?:classes\.txt|[\w-]*\.names|(?:data|dataset)\.ya?ml)$/i.test(path)) continue;
    const text = await (await set.open(i)).text();
    if (!/\.ya?ml$/i.test(path))
      return text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
    const names = yamlNames(text);
    if (names.length) return names;
  }
  return [];
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
      head = await (await set.head(i, HEAD)).text();
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
  const names = yolo.length ? await namesOf(set) : [];
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
        read: (text, file) => yoloRow(text, file, pictureOf(file, set), names),
      }),
    ),
  ];
  return { tables, issues, read };
}
