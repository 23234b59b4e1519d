/**
 * COCO's annotations (cocodataset.org, “Data format”: images, annotations with `bbox` [x, y, width, height] in pixels,
 * categories), in columns: a hundred thousand pictures have close to a million boxes.
 */
import { printed } from '../../base/json.ts';
import { Column, HashIndex, TextColumn, TextSet, textHash } from '../../base/columns.ts';
import { readElements, type ElementIndex } from '../../formats/element-index.ts';
import type { JsonIndex } from '../../formats/json-index.ts';
import { parseJson } from '../../formats/jsonl.ts';
import type { Size } from '../../grounding/box.ts';
import type { Ledger } from '../ledger.ts';
import { isTurned, TURNED_FIX } from '../turned.ts';
import { rowIssue, type RawBox } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';

type Fields = Record<string, unknown>;
const encoder = new TextEncoder();

/** Numbers by the id that files give them. */
class Ids {
  readonly #index = new HashIndex();
  readonly #ids = new TextColumn();

  get(i: number): string {
    return this.#ids.get(i);
  }

  add(id: unknown): number {
    this.#ids.push(printed(id));
    return this.#index.add(textHash(printed(id)));
  }

  find(id: unknown): number {
    for (const i of this.#index.find(textHash(printed(id)))) if (this.#ids.get(i) === printed(id)) return i;
    return -1;
  }

  get length(): number {
    return this.#ids.length;
  }

  get bytes(): number {
    return this.#index.bytes + this.#ids.bytes;
  }
}

const isTrue = (value: unknown): boolean => value === 1 || value === true || value === '1' || value === 'true';

/** Of a category that the file does not name. */
const nameOf = (id: unknown): string =>
  typeof id === 'number' ? `class ${id}` : typeof id === 'string' && id !== '' ? id : 'object';

const lastPart = (address: string): string => address.slice(address.lastIndexOf('/') + 1);

/** The picture's file: by name, else as the address ends at which it was published. */
function imageName({ file_name, path, filename, file, coco_url, flickr_url }: Fields): string {
  const name = [file_name, path, filename, file].find((each) => typeof each === 'string' && each !== '');
  if (name !== undefined) return name as string;
  const address = [coco_url, flickr_url].find((each) => typeof each === 'string');
  return typeof address === 'string' ? lastPart(address) : '';
}

/** A list of numbers, also where they or the list are written as text. */
function boxOf(value: unknown): unknown {
  if (typeof value === 'string' && /^\s*\[/.test(value)) {
    const parsed = parseJson(encoder.encode(value));
    return parsed.ok ? parsed.value : value;
  }
  if (!Array.isArray(value)) return value;
  return value.map((n: unknown) => (typeof n === 'string' && /^-?\d+(?:\.\d+)?$/.test(n) ? Number(n) : n));
}

/** Corner, width and height of what polygons [[x, y, x, y, …], …] cover; null if they are none. */
function outlineBox(polygons: unknown): number[] | null {
  if (
    !Array.isArray(polygons) ||
    !polygons.length ||
    !polygons.every((each) => Array.isArray(each) && each.length >= 6)
  )
    return null;
  const numbers = (polygons as unknown[][]).flat();
  if (!numbers.every((n): n is number => typeof n === 'number' && Number.isFinite(n))) return null;
  const [xs, ys] = [0, 1].map((side) =>
    (polygons as number[][]).flatMap((each) => each.filter((_, i) => i % 2 === side)),
  );
  const least = (list: readonly number[]) => list.reduce((a, b) => Math.min(a, b));
  const most = (list: readonly number[]) => list.reduce((a, b) => Math.max(a, b));
  return [least(xs!), least(ys!), most(xs!) - least(xs!), most(ys!) - least(ys!)];
}

export class Annotations {
  readonly file: string;
  readonly issues: RowIssue[] = [];
  readonly imageIds = new Ids();
  readonly imageNames = new TextColumn();
  /** As the file gives them; 0 where it does not. */
  readonly #width = new Column(Float64Array);
  readonly #height = new Column(Float64Array);
  readonly categories = new TextSet();
  readonly annotationIds = new Ids();
  /** Of each annotation: image, category, the text it belongs to (MC-Bench; −1), and its box. */
  readonly image = new Column(Int32Array);
  readonly category = new Column(Int32Array);
  readonly textOf = new Column(Int32Array);
  readonly #box = new Column(Float64Array);
  /** Pictures and categories of which something is there that is no box of one thing: crowds, and boxes that are none. */
  readonly unclearImage = new Column(Int32Array, 16);
  readonly unclearCategory = new Column(Int32Array, 16);
  /** Texts of which a box is lost. */
  readonly unclearText = new Column(Int32Array, 16);
  /** LVIS labels a picture for some categories only: those it certainly has not, and those that are not labelled in full. */
  readonly federated = new Map<
    number,
    { readonly absent: ReadonlySet<number>; readonly partial: ReadonlySet<number> }
  >();
  readonly #listed: { readonly image: number; readonly absent: unknown; readonly partial: unknown }[] = [];

  readonly #ledger: Ledger;
  /** Ids that several pictures have. */
  readonly #twice = new Set<string>();

  constructor(file: string, ledger: Ledger) {
    this.file = file;
    this.#ledger = ledger;
  }

  get bytes(): number {
    return [
      this.imageIds,
      this.imageNames,
      this.#width,
      this.#height,
      this.categories,
      this.annotationIds,
      this.image,
      this.category,
      this.textOf,
      this.#box,
    ].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  addImage(value: Fields): void {
    const before = this.imageIds.find(value.id);
    const image = this.imageIds.add(value.id);
    const { neg_category_ids: absent, not_exhaustive_category_ids: partial } = value;
    if (Array.isArray(absent)) this.#listed.push({ image, absent, partial });
    const name = imageName(value);
    if (before >= 0 && this.imageNames.get(before) !== name) {
      this.#twice.add(printed(value.id));
      this.issues.push(
        rowIssue(
          { file: this.file, line: 0 },
          `images[${image}].id`,
          `two pictures have the id ${printed(value.id)}: ${this.imageNames.get(before)} and ${name}`,
          'Their annotations cannot be told apart and are left out. Give each picture an id of its own.',
        ),
      );
    }
    this.imageNames.push(name);
    const side = (n: unknown) => (typeof n === 'number' && Number.isFinite(n) && n > 0 ? n : 0);
    this.#width.push(side(value.width));
    this.#height.push(side(value.height));
  }

  /** What pictures say of categories, once those are known. */
  nameFederated(categoryOf: (id: unknown) => number): void {
    const numbers = (list: unknown) => new Set(Array.isArray(list) ? list.map(categoryOf) : []);
    for (const { image, absent, partial } of this.#listed)
      this.federated.set(image, { absent: numbers(absent), partial: numbers(partial) });
  }

  #unclear(image: number, category: number, text: number): void {
    if (text >= 0) this.unclearText.push(text);
    if (image < 0) return;
    this.unclearImage.push(image);
    this.unclearCategory.push(category);
  }

  /** The size that the file gives for a picture. */
  size(image: number): Size | null {
    const [width, height] = [this.#width.get(image), this.#height.get(image)];
    return width > 0 && height > 0 ? { width, height } : null;
  }

  box(annotation: number, image: number): RawBox {
    return { numbers: [0, 1, 2, 3].map((i) => this.#box.get(annotation * 4 + i)), image };
  }

  /** Annotations by a key, as first positions in `order`: `order[starts[k]] … order[starts[k + 1]]`. */
  by(key: Column<Int32Array>, keys: number): { starts: Uint32Array; order: Uint32Array } {
    const starts = new Uint32Array(keys + 1);
    const values = key.view();
    for (const k of values) if (k >= 0) starts[k + 1]!++;
    for (let k = 0; k < keys; k++) starts[k + 1]! += starts[k]!;
    const at = starts.slice();
    const order = new Uint32Array(starts[keys]!);
    values.forEach((k, i) => {
      if (k >= 0) order[at[k]!++] = i;
    });
    return { starts, order };
  }

  /** One annotation; complains about those that point nowhere. `texts`: ids of MC-Bench's descriptions. */
  add(value: Fields, place: number, texts: Ids | null, categoryOf: (id: unknown) => number): void {
    const source = { file: this.file, line: place };
    const text = texts ? texts.find(value.text_id) : -1;
    if (this.#twice.has(printed(value.image_id))) return;
    const outline = value.bbox === undefined || value.bbox === null ? outlineBox(value.segmentation) : null;
    const bbox = outline ?? boxOf(value.bbox);
    // A region of many is not a box of one.
    if (isTrue(value.iscrowd) || isTrue(value.ignore)) {
      this.#unclear(this.imageIds.find(value.image_id), categoryOf(value.category_id), text);
      return this.#ledger.add('crowd-skipped', source);
    }
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((n) => typeof n === 'number' && Number.isFinite(n))) {
      this.issues.push(
        rowIssue(source, `annotations[${place - 1}].bbox`, 'it is not four numbers', 'Give [x, y, width, height].'),
      );
      this.#unclear(this.imageIds.find(value.image_id), categoryOf(value.category_id), text);
      return;
    }
    if (isTurned(value)) {
      this.issues.push(rowIssue(source, `annotations[${place - 1}].bbox`, 'the box is turned', TURNED_FIX));
      this.#unclear(this.imageIds.find(value.image_id), categoryOf(value.category_id), text);
      return;
    }
    const image = this.imageIds.find(value.image_id);
    if (image < 0) {
      this.#unclear(image, -1, text);
      this.issues.push(
        rowIssue(
          source,
          `annotations[${place - 1}].image_id`,
          `no image has the id ${printed(value.image_id)}`,
          'Add the image to “images”.',
        ),
      );
      return;
    }
    this.annotationIds.add(value.id ?? `#${place}`);
    this.image.push(image);
    if (outline) this.#ledger.add('boxes-of-outlines', source);
    this.category.push(categoryOf(value.category_id ?? value.category_name ?? value.category));
    this.textOf.push(text);
    for (const n of bbox as number[]) this.#box.push(n);
  }
}

/** Whole numbers of so many digits lose their last ones as JSON's numbers (2^53), and ids must stay apart. */
const LONG = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/** Such numbers as texts, digit by digit. */
export function withWholeIds(bytes: Uint8Array): Uint8Array {
  let run = 0;
  if (!bytes.some((byte) => (run = byte >= 48 && byte <= 57 ? run + 1 : 0) >= 16)) return bytes;
  const text = new TextDecoder().decode(bytes);
  return encoder.encode(text.replace(LONG, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token)));
}

/** The elements of a list in a document, parsed one by one, with their 1-based place. */
export async function* elementsOf(
  blob: Blob,
  index: ElementIndex,
): AsyncGenerator<{ readonly place: number; readonly value: Fields }> {
  for await (const { i, bytes } of readElements(blob, index, 0, index.length)) {
    const parsed = parseJson(withWholeIds(bytes));
    if (parsed.ok && typeof parsed.value === 'object' && parsed.value !== null)
      yield { place: i + 1, value: parsed.value as Fields };
  }
}

export const isAnnotations = ({ root, members }: JsonIndex): boolean =>
  root === 'object' && ['images', 'annotations'].every((name) => members.get(name)?.elements);

/** Reads a COCO-like document in one pass a list. `texts`: of MC-Bench. */
export async function readAnnotations(
  file: string,
  blob: Blob,
  { members }: JsonIndex,
  ledger: Ledger,
): Promise<{ annotations: Annotations; texts: Ids | null }> {
  const annotations = new Annotations(file, ledger);
  const list = (name: string) => members.get(name)?.elements ?? null;
  for await (const { value } of elementsOf(blob, list('images')!)) {
    annotations.addImage(value);
  }
  const categoryIds = new Map<string, number>();
  const categories = list('categories');
  if (categories)
    for await (const { value } of elementsOf(blob, categories))
      categoryIds.set(printed(value.id), annotations.categories.add(printed(value.name ?? value.id)));
  let texts: Ids | null = null;
  const descriptions = list('descriptions');
  if (descriptions) {
    texts = new Ids();
    // One that cannot be read keeps its place.
    for await (const { place, value } of elementsOf(blob, descriptions)) {
      for (; texts.length < place - 1;) texts.add(`#${texts.length}`);
      texts.add(value.id);
    }
  }
  const categoryOf = (id: unknown): number => categoryIds.get(printed(id)) ?? annotations.categories.add(nameOf(id));
  annotations.nameFederated(categoryOf);
  for await (const { place, value } of elementsOf(blob, list('annotations')!))
    annotations.add(value, place, texts, categoryOf);
  return { annotations, texts };
}
