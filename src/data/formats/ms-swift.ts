/**
 * ms-swift's grounding rows: `messages` with `<ref-object>` and `<bbox>` marks, filled in order from
 * `objects: { ref, bbox, bbox_type: real | norm1, image_id }` (ms-swift docs, “Custom dataset”, Grounding).
 */
import * as v from 'valibot';
import { ownSplit, quadSchema, rowIssue, schemaIssues, talkOf, type RowFormat } from '../raw-row.ts';
import { messagesEntries, turnsOf } from './messages.ts';
import { objectsList } from './swift-query.ts';

const UNSAID = -1;

/** ms-swift 2's, a list or JSON text. */
const listed = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const objects = objectsList(dataset.value);
    if (objects)
      return {
        ref: [...objects.refs],
        bbox: objects.boxes.flat().map(({ numbers }) => [...numbers]),
        image_id: objects.boxes.flat().map(({ image }) => image ?? UNSAID),
        space: objects.space,
        stated: objects.stated,
      };
    addIssue({ message: 'it is neither { ref, bbox } nor a list of { caption, bbox, bbox_type }' });
    return NEVER;
  }),
);

const lists = v.pipe(
  v.object({
    ref: v.optional(v.array(v.string()), []),
    bbox: v.optional(v.array(quadSchema), []),
    bbox_type: v.optional(v.nullable(v.picklist(['real', 'norm1'], 'it should be "real" or "norm1"'))),
    image_id: v.optional(
      v.nullable(
        v.array(
          v.pipe(v.number(), v.integer('it should be a whole number'), v.minValue(0, 'pictures are counted from 0')),
        ),
      ),
    ),
  }),
  v.transform((objects) => ({
    ...objects,
    space: objects.bbox_type === 'norm1' ? ('fraction' as const) : ('natural' as const),
    stated: objects.bbox_type !== null && objects.bbox_type !== undefined,
  })),
);

const schema = v.object({
  ...messagesEntries,
  objects: v.lazy((value) => (Array.isArray(value) || typeof value === 'string' ? listed : lists)),
});

export const msSwift: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'messages') && Object.hasOwn(value, 'objects'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, task, split, messages, objects } = parsed.output;
    const odd = objects.bbox.findIndex((numbers) => numbers.length !== 4);
    if (odd >= 0)
      return {
        ok: false,
        issues: [
          rowIssue(
            source,
            `objects.bbox[${odd}]`,
            `${objects.bbox[odd]!.length} numbers are not a box`,
            'Points are not supported: give [x1, y1, x2, y2].',
          ),
        ],
      };
    return {
      ok: true,
      row: {
        id,
        task: task ?? '',
        ...talkOf(parsed.output, turnsOf(messages)),
        boxes: objects.bbox.map((numbers, i) => {
          const image = objects.image_id?.[i] ?? UNSAID;
          return { numbers, image: image === UNSAID ? null : image };
        }),
        refs: objects.ref,
        said: { space: objects.space ?? 'natural', layout: 'xyxy', by: objects.stated ? 'row' : 'format' },
        ...ownSplit(split),
        source,
      },
    };
  },
};
