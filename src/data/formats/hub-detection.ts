/**
 * The Hub's object detection (datasets docs, “Object detection”): an image or `file_name` with
 * `objects: { bbox: [[…]], category: […] }`; and rows with a list of objects that have a box each, such as LLaVA's
 * `instances`. What the numbers are, is found out: the docs say corner, width and height, and not all keep to it.
 */
import { isObject } from '../../base/json.ts';
import { rowIssue, type RowFormat } from '../raw-row.ts';
import { detectionRow, isBox, labelOf, type Labelled } from './detection.ts';

const LISTS = ['objects', 'instances', 'annotations', 'detections', 'labels'];
const CATEGORIES = ['category', 'categories', 'label', 'labels', 'class', 'classes', 'class_labels', 'name', 'names'];
const BOXES = ['bbox', 'bboxes', 'box', 'boxes'];

type Fields = Readonly<Record<string, unknown>>;
const pick = (value: Fields, keys: readonly string[]): unknown =>
  value[keys.find((key) => Object.hasOwn(value, key)) ?? ''];

function objectsOf(value: Fields): unknown {
  return LISTS.map((key) => value[key]).find(
    (list) =>
      (isObject(list) && BOXES.some((key) => Array.isArray(list[key]))) ||
      (Array.isArray(list) && list.some((each) => isObject(each) && BOXES.some((key) => Object.hasOwn(each, key)))),
  );
}

const pictureOf = (value: Fields): string | null => {
  const picture = [value.image, value.file_name, value.images].find(
    (each) => typeof each === 'string' || isObject(each) || Array.isArray(each),
  );
  const one: unknown = Array.isArray(picture) ? picture[0] : picture;
  const path = isObject(one) ? one.path : one;
  return typeof path === 'string' ? path : null;
};

export const hubDetection: RowFormat = {
  matches: (value) =>
    pictureOf(value) !== null &&
    objectsOf(value) !== undefined &&
    !Object.hasOwn(value, 'messages') &&
    !Object.hasOwn(value, 'conversations'),
  read: (value, source) => {
    const objects = objectsOf(value);
    const boxes: Labelled[] = [];
    const items: readonly { box: unknown; label: string | null }[] = Array.isArray(objects)
      ? objects.map((each) => ({ box: isObject(each) ? pick(each, BOXES) : null, label: labelOf(each) }))
      : ((pick(objects as Fields, BOXES) as unknown[]) ?? []).map((box, i) => {
          const labels = pick(objects as Fields, CATEGORIES);
          return { box, label: Array.isArray(labels) ? labelOf(labels[i]) : null };
        });
    for (const [i, { box, label }] of items.entries()) {
      if (!isBox(box))
        return {
          ok: false,
          issues: [rowIssue(source, `objects.bbox[${i}]`, 'it is not four numbers', 'Give four numbers.')],
        };
      boxes.push({ label: label ?? 'object', numbers: box });
    }
    const byNumber = boxes.some(({ label }) => /^class \d+$/.test(label));
    return detectionRow(
      {
        id: typeof value.image_id === 'number' || typeof value.image_id === 'string' ? String(value.image_id) : null,
        image: pictureOf(value)!,
        boxes,
        space: null,
        ...(typeof value.split === 'string' && { split: value.split }),
        ...(byNumber && { done: ['classes-by-number'] as const }),
      },
      source,
    );
  },
};
