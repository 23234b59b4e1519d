/**
 * ms-swift's grounding rows: `messages` with `<ref-object>` and `<bbox>` marks, filled in order from
 * `objects: { ref, bbox, bbox_type: real | norm1, image_id }` (ms-swift docs, “Custom dataset”, Grounding).
 */
import * as v from 'valibot';
import { ownSplit, quadSchema, rowIssue, schemaIssues, talkOf, type RowFormat } from '../raw-row.ts';
import { messagesEntries, turnsOf } from './messages.ts';

const schema = v.object({
  ...messagesEntries,
  objects: v.object({
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
});

export const msSwift: RowFormat = {
  name: 'ms-swift grounding',
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
        format: 'ms-swift grounding',
        id,
        task: task ?? '',
        ...talkOf(parsed.output, turnsOf(messages)),
        boxes: objects.bbox.map((numbers, i) => ({ numbers, image: objects.image_id?.[i] ?? null })),
        refs: objects.ref,
        said: {
          space: objects.bbox_type === 'norm1' ? 'fraction' : 'natural',
          layout: 'xyxy',
          by: objects.bbox_type ? 'row' : 'format',
        },
        ...ownSplit(split),
        source,
      },
    };
  },
};
