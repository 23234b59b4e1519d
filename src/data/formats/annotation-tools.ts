/**
 * Pictures with boxes as annotation tools export them in JSON, one row a picture. Each tool defines its coordinates:
 * Label Studio hundredths with a corner, labelme and VoTT pixels, CreateML pixels of the centre.
 */
import { isObject } from '../../base/json.ts';
import { isTurned, TURNED_FIX } from '../turned.ts';
import { rowIssue, type ReadRow, type RowFormat, type Source } from '../raw-row.ts';
import type { LedgerKey } from '../ledger.ts';
import { boxAround, detectionRow, inPicture, isNumber, labelOf, type Labelled } from './detection.ts';

type Fields = Readonly<Record<string, unknown>>;

const refused = (source: Source, field: string, reason: string, fix: string): ReadRow => ({
  ok: false,
  issues: [rowIssue(source, field, reason, fix)],
});

const asObjects = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Names of files that were uploaded have a few digits and a dash before them. */
const uploaded = (path: string): string =>
  /^\/?data\/upload\//.test(path) ? path.replace(/^.*\/(?:[0-9a-f]{3,8}-)?/i, '') : path.replace(/^.*[?&]d=/, '');

/** Results of one task of Label Studio: `value` of each is in hundredths of the picture. */
function labelStudioRow(image: unknown, results: readonly Fields[], id: unknown, source: Source): ReadRow {
  if (typeof image !== 'string')
    return refused(source, 'data', 'the task names no picture', 'Label pictures, in a field named image.');
  const boxes: Labelled[] = [];
  const done: LedgerKey[] = [];
  for (const [i, value] of results.entries()) {
    const { x, y, width, height } = value;
    if (isTurned(value)) return refused(source, `result[${i}]`, 'a box is turned', TURNED_FIX);
    const label = labelOf(value.rectanglelabels ?? value.labels ?? value.polygonlabels) ?? 'object';
    const around = Array.isArray(value.points) ? boxAround(value.points) : null;
    if (around) done.push('outlines-reduced');
    const numbers =
      around ??
      ([x, y, width, height].every(isNumber)
        ? [x, y, (x as number) + (width as number), (y as number) + (height as number)]
        : null);
    if (numbers) boxes.push({ label, numbers: (numbers as number[]).map((n) => n / 100) });
  }
  return detectionRow(
    {
      id: typeof id === 'number' || typeof id === 'string' ? String(id) : null,
      image: uploaded(image),
      boxes,
      space: 'fraction',
      done,
    },
    source,
  );
}

const imageIn = (data: unknown): unknown =>
  isObject(data) ? (data.image ?? data.img ?? Object.values(data).find((value) => typeof value === 'string')) : null;

export const labelStudio: RowFormat = {
  matches: (value) => isObject(value.data) && (Array.isArray(value.annotations) || Array.isArray(value.completions)),
  read: (value, source) => {
    const [annotation] = asObjects(value.annotations ?? value.completions).filter(
      ({ was_cancelled: cancelled }) => cancelled !== true,
    );
    const results = asObjects(annotation?.result).flatMap(({ value: each }) => (isObject(each) ? [each] : []));
    return labelStudioRow(imageIn(value.data), results, value.id, source);
  },
};

/** JSON-MIN: the regions of each task beside its data. */
export const labelStudioMin: RowFormat = {
  matches: (value) =>
    typeof value.image === 'string' &&
    asObjects(value.label ?? value.bbox).some((region) => Object.hasOwn(region, 'original_width')),
  read: (value, source) => labelStudioRow(value.image, asObjects(value.label ?? value.bbox), value.id, source),
};

export const labelme: RowFormat = {
  matches: (value) => Array.isArray(value.shapes) && typeof value.imagePath === 'string',
  read: (value, source) => {
    const done = new Set<LedgerKey>();
    const boxes: Labelled[] = [];
    for (const shape of asObjects(value.shapes)) {
      const kind = shape.shape_type ?? 'polygon';
      const numbers = kind === 'rectangle' || kind === 'polygon' ? boxAround(shape.points) : null;
      if (!numbers) done.add('shapes-dropped');
      else if (kind === 'polygon') done.add('outlines-reduced');
      if (numbers) boxes.push({ label: labelOf(shape.label) ?? 'object', numbers });
    }
    return detectionRow(
      { image: value.imagePath as string, ...inPicture(boxes, value.imageWidth, value.imageHeight), done: [...done] },
      source,
    );
  },
};

export const createMl: RowFormat = {
  matches: (value) =>
    typeof value.image === 'string' && asObjects(value.annotations).some(({ coordinates }) => isObject(coordinates)),
  read: (value, source) => {
    const boxes: Labelled[] = [];
    for (const [i, annotation] of asObjects(value.annotations).entries()) {
      const { coordinates, label } = annotation;
      if (isTurned(annotation) || (isObject(coordinates) && isTurned(coordinates)))
        return refused(source, `annotations[${i}]`, 'a box is turned', TURNED_FIX);
      const { x, y, width, height } = (isObject(coordinates) ? coordinates : {}) as Readonly<Record<string, number>>;
      if (!isNumber(x) || !isNumber(y) || !isNumber(width) || !isNumber(height))
        return refused(source, `annotations[${i}].coordinates`, 'it has no x, y, width and height', 'Export it again.');
      boxes.push({
        label: labelOf(label) ?? 'object',
        numbers: [x - width / 2, y - height / 2, x + width / 2, y + height / 2],
      });
    }
    return detectionRow({ image: value.image as string, boxes, space: 'natural' }, source);
  },
};

export const vott: RowFormat = {
  matches: (value) => isObject(value.asset) && Array.isArray(value.regions),
  read: (value, source) => {
    const { name, path, size } = value.asset as Fields;
    const image = typeof name === 'string' ? name : path;
    if (typeof image !== 'string') return refused(source, 'asset.name', 'it is missing', 'Export it again.');
    const turned = asObjects(value.regions).findIndex(
      (region) => isTurned(region) || (isObject(region.boundingBox) && isTurned(region.boundingBox)),
    );
    if (turned >= 0) return refused(source, `regions[${turned}]`, 'a box is turned', TURNED_FIX);
    const boxes = asObjects(value.regions).flatMap(({ boundingBox, tags }): Labelled[] => {
      const { left, top, width, height } = (isObject(boundingBox) ? boundingBox : {}) as Readonly<
        Record<string, number>
      >;
      return [left, top, width, height].every(isNumber)
        ? [{ label: labelOf(tags) ?? 'object', numbers: [left!, top!, left! + width!, top! + height!] }]
        : [];
    });
    const { width, height } = (isObject(size) ? size : {}) as Fields;
    return detectionRow({ image: image.replace(/^file:/, ''), ...inPicture(boxes, width, height) }, source);
  },
};
