/**
 * ms-swift 2's rows: `query`, `response`, `history`, and `objects` as a list, or as JSON text, of
 * `{ caption, bbox, bbox_type, image }` (ms-swift 2.6 docs, “Customization”). The n-th mark stands for the n-th object.
 */
import { isObject, printed } from '../../base/json.ts';
import type { CoordinateSpace } from '../dataset-ref.ts';
import { rowIssue, type RawBox, type RawRow, type RowFormat } from '../raw-row.ts';
import { isBox, isNumber } from './detection.ts';

const SPACES: Readonly<Record<string, CoordinateSpace>> = {
  real: 'natural',
  norm_1: 'fraction',
  norm1: 'fraction',
  norm_1000: 'thousand',
  norm1000: 'thousand',
};

interface Objects extends Pick<RawRow, 'refs'> {
  readonly space: CoordinateSpace;
  /** The rows name the space themselves. */
  readonly stated: boolean;
  /** Of each object, one or several. */
  readonly boxes: readonly (readonly RawBox[])[];
}

/** null: no such list. */
export function objectsList(value: unknown): Objects | null {
  let list = value;
  if (typeof list === 'string')
    try {
      list = JSON.parse(list) as unknown;
    } catch {
      return null;
    }
  if (!Array.isArray(list) || !list.every(isObject)) return null;
  const objects = list as Readonly<Record<string, unknown>>[];
  const types = new Set(objects.map(({ bbox_type: type }) => printed(type ?? 'real')));
  const [type] = types;
  const boxes = objects.map(({ bbox, image }): RawBox[] | null => {
    const own = isBox(bbox) ? [bbox] : bbox;
    if (!Array.isArray(own) || !own.every(isBox)) return null;
    return own.map((numbers) => ({ numbers, image: isNumber(image) ? image : null }));
  });
  if (types.size > 1 || (type !== undefined && !Object.hasOwn(SPACES, type)) || boxes.includes(null)) return null;
  return {
    refs: objects.map(({ caption, label }) => printed(caption ?? label ?? '')),
    space: SPACES[type ?? 'real']!,
    stated: objects.some(({ bbox_type: own }) => own !== undefined),
    boxes: boxes as RawBox[][],
  };
}

export const swiftQuery: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'query') && Object.hasOwn(value, 'response'),
  read: (value, source) => {
    const fail = (field: string, reason: string, fix: string) => ({
      ok: false as const,
      issues: [rowIssue(source, field, reason, fix)],
    });
    const history = (Array.isArray(value.history) ? value.history : []) as unknown[];
    const said = [...history.flatMap((pair) => (Array.isArray(pair) ? pair : [])), value.query, value.response];
    if (!said.every((text) => typeof text === 'string'))
      return fail('response', 'query and response should be texts', 'Correct the row.');
    const objects = value.objects === undefined || value.objects === null ? null : objectsList(value.objects);
    if (value.objects && !objects)
      return fail(
        'objects',
        'it is no list of { caption, bbox, bbox_type }',
        'Give boxes of four numbers and one bbox_type (real, norm_1, norm_1000), or write the row as ms-swift 3 has it: messages and objects: { ref, bbox }.',
      );
    let next = 0;
    // A mark stands for all boxes of its object.
    const spread = (text: string) =>
      text.replace(/<bbox>/g, () => '<bbox>'.repeat(Math.max(1, objects?.boxes[next++]?.length ?? 1)));
    const turns = said.map((text, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      text: spread(text as string),
      field: i === said.length - 1 ? 'response' : i === said.length - 2 ? 'query' : `history[${i >> 1}]`,
    }));
    const images = value.images ?? value.image ?? [];
    return {
      ok: true,
      row: {
        id: null,
        task: '',
        images: (Array.isArray(images) ? images : [images]).map(String),
        turns:
          typeof value.system === 'string' && value.system
            ? [{ role: 'system', text: value.system, field: 'system' }, ...turns]
            : turns,
        boxes: objects?.boxes.flat() ?? [],
        refs: objects?.refs ?? [],
        said: objects && { space: objects.space, layout: 'xyxy', by: objects.stated ? 'row' : 'format' },
        source,
      },
    };
  },
};
