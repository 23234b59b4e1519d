/** Rows that are known and not taught: one line each, with the way round. They are looked at before any format. */
import { isObject } from '../../base/json.ts';
import { isPictureName } from '../../base/picture-files.ts';
import { rowIssue, type Source } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';
import { isTurned, TURNED_FIX } from '../turned.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Refused {
  /** What the row has that is not taught, in words; null if it has none. */
  found(value: Fields): string | null;
  readonly fix: string;
}

const MEDIA = ['video', 'videos', 'audio', 'audios'];
/** Other names: of rows with pictures, they say where those were taken from. */
const MEDIA_LIKE = /^(?:video|audio|sound|clip)s?(?:[_-]?(?:path|url|file)s?)?$/i;
const MEDIA_FILE = /\.(?:mp4|avi|mov|mkv|webm|m4v|mpe?g|wav|mp3|flac|m4a|ogg|opus)$/i;
const isMediaFile = (value: unknown): boolean => typeof value === 'string' && MEDIA_FILE.test(value);
const isGiven = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);

/** Texts and parts of a row's turns, whatever they are called. */
function* parts(value: Fields): Generator<string | Fields> {
  for (const key of [
    'messages',
    'conversations',
    'conversation',
    'prompt',
    'completion',
    'query',
    'question',
    'problem',
    'instruction',
  ]) {
    const turns = value[key];
    if (typeof turns === 'string') yield turns;
    if (!Array.isArray(turns)) continue;
    for (const turn of turns as unknown[]) {
      if (typeof turn !== 'object' || turn === null) continue;
      const content = (turn as Fields).content ?? (turn as Fields).value;
      if (typeof content === 'string') yield content;
      else if (Array.isArray(content))
        for (const part of content as unknown[]) if (typeof part === 'object' && part !== null) yield part as Fields;
    }
  }
}

const shown = (value: unknown): string => {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first.length < 80 ? ` (${first})` : '';
};

function mediaOf(value: Fields): string | null {
  const pictures = [value.images, value.image].some(isGiven);
  const key =
    MEDIA.find((each) => isGiven(value[each])) ??
    ['images', 'image'].find((each) => [value[each]].flat().some(isMediaFile)) ??
    Object.keys(value).find((each) => !pictures && MEDIA_LIKE.test(each) && isGiven(value[each]));
  if (key) return `${/^(?:audio|sound)/i.test(key) ? 'a sound' : 'a video'}${shown(value[key])}`;
  for (const part of parts(value)) {
    const type = typeof part === 'string' ? /<(video|audio)>/.exec(part)?.[1] : part.type;
    if (typeof type !== 'string') continue;
    if (/video/.test(type)) return 'a video';
    if (/audio|sound/.test(type)) return 'a sound';
  }
  return null;
}

/** OpenAI's, and those of LLaMA-Factory's ShareGPT. */
const TOOL_ROLES = new Set<unknown>(['tool', 'function', 'function_call', 'observation', 'tool_call', 'tool_response']);

function toolsOf(value: Fields): string | null {
  if (isGiven(value.tools)) return 'tools';
  const turns = [value.messages, value.conversations].find(Array.isArray) as unknown[] | undefined;
  const uses = turns?.some(
    (turn) =>
      typeof turn === 'object' &&
      turn !== null &&
      (isGiven((turn as Fields).tool_calls) || TOOL_ROLES.has((turn as Fields).role ?? (turn as Fields).from)),
  );
  return uses ? 'calls of tools' : null;
}

const keysOf = (value: Fields, ...keys: readonly string[]): boolean => keys.every((key) => Object.hasOwn(value, key));
const firstOf = (value: unknown): Fields => {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return isObject(first) ? first : {};
};

const TO_OBJECTS =
  'Write one row a picture: { "file_name": …, "objects": { "bbox": [[x, y, width, height]], "category": […] } } in metadata.jsonl. Or export COCO.';

/** Annotations by other tools that are known and not read: by a name, and what to bring instead. */
const OTHERS: readonly (readonly [(value: Fields) => boolean, string, string])[] = [
  [
    (value) =>
      isObject(value.image) && Array.isArray(value.image.size) && Object.hasOwn(firstOf(value.annotations), 'label_id'),
    'boxes in Datumaro’s own JSON',
    'Convert them: datum convert -f coco_instances.',
  ],
  [(value) => isObject(value.detection) || isObject(value.grounding), 'boxes in the form of ODVG', TO_OBJECTS],
  [
    (value) => keysOf(value, 'ref_exps', 'noun_chunks'),
    'boxes in the form of GRIT (ref_exps)',
    'Write a row for each phrase: image, question and answer, the answer four fractions.',
  ],
  [
    (value) =>
      (keysOf(value, 'image_id', 'objects') && keysOf(firstOf(value.objects), 'x', 'y', 'w', 'h')) ||
      keysOf(firstOf(value.regions), 'region_id', 'phrase'),
    'boxes in the form of Visual Genome',
    TO_OBJECTS,
  ],
  [
    (value) => isObject(firstOf(value.labels).box2d),
    'boxes in the form of BDD100K',
    'Convert them to COCO (bdd100k.label.to_coco).',
  ],
  [
    (value) => keysOf(value, 'region_shape_attributes', 'region_attributes'),
    'boxes of VIA as a table',
    'Export the annotations from VIA as COCO.',
  ],
  [
    (value) =>
      [
        ['XMin', 'XMax', 'YMin', 'YMax'],
        ['xmin', 'ymin', 'xmax', 'ymax'],
        ['x_min', 'y_min', 'x_max', 'y_max'],
        ['x1', 'y1', 'x2', 'y2'],
        ['left', 'top', 'right', 'bottom'],
      ].some((keys) => keysOf(value, ...keys)),
    'boxes in columns of their own (xmin, ymin, xmax, ymax)',
    TO_OBJECTS,
  ],
  [
    (value) => keysOf(value, 'tokens_positive'),
    'phrases in captions in the form of MDETR and Groma (tokens_positive)',
    'Write a row for each phrase: image, question and answer, with the phrase’s box as the answer.',
  ],
  [
    (value) => Object.keys(value).some(isPictureName) && Object.keys(value).some((key) => /^\d+$/.test(key)),
    'values without names, because the file’s first line names no columns',
    'Write a first line with the names of the columns: image, question, answer. Or export the annotations as COCO.',
  ],
  [(value) => keysOf(value, 'gtboxes'), 'boxes in the form of CrowdHuman (gtboxes)', TO_OBJECTS],
  [
    (value) => keysOf(value, 'question', 'imageId'),
    'questions of GQA, without boxes',
    'Write rows: image (imageId with .jpg), question, and as the answer the boxes of the scene graphs.',
  ],
  [
    (value) => keysOf(value, 'expression', 'bbox', 'img_path'),
    'references in the form of Shikra',
    'Rename the keys: image, question and answer, with the box as the answer.',
  ],
  [
    (value) =>
      Array.isArray(value.conversations) &&
      value.conversations.some((turn) => isObject(turn) && isGiven(turn.boxes_seq)),
    'boxes in the form of Shikra (boxes_seq)',
    'Write the boxes into the words: [x1, y1, x2, y2] in place of <boxes>.',
  ],
];

/** Fields that hold the answer which TRL's, ms-swift's and LLaMA-Factory's label of KTO is about. */
const WITH_ANSWERS = ['completion', 'messages', 'conversations', 'response'];

/** Fields that hold boxes, beside which an angle is a box's. */
const BOX_FIELDS = ['bbox', 'bboxes', 'box', 'boxes', 'bbox_2d'];
const hasTurnedBoxes = (value: Fields): boolean =>
  ((BOX_FIELDS.some((key) => isGiven(value[key])) || Array.isArray(value.answer) || Array.isArray(value.solution)) &&
    isTurned(value)) ||
  [value.objects, value.annotations, value.regions].some((each) =>
    [each].flat().some((one) => isObject(one) && BOX_FIELDS.some((key) => isGiven(one[key])) && isTurned(one)),
  );

const REFUSED: readonly Refused[] = [
  { found: (value) => (hasTurnedBoxes(value) ? 'boxes that are turned' : null), fix: TURNED_FIX },
  {
    found: mediaOf,
    fix: 'Only pictures are taught: take frames out of a video and give them as pictures, or leave the row out.',
  },
  { found: toolsOf, fix: 'Calls of tools are not taught: leave the row out, or write what was found as text.' },
  {
    found: (value) =>
      [value.label, value.kto_tag].includes(false) && WITH_ANSWERS.some((key) => isGiven(value[key]))
        ? 'an answer that is marked as a bad one (label: false)'
        : null,
    fix: 'Bad answers are not taught: leave the row out.',
  },
  {
    found: (value) =>
      isGiven(value.chosen) && (isGiven(value.rejected) || isGiven(value.prompt)) && !isGiven(value.messages)
        ? 'a chosen and a rejected answer'
        : null,
    fix: 'Preferences are not taught: keep the chosen answer, as the last turn of messages or as completion.',
  },
];

/** null: the row may be read. */
export function refusal(value: Fields, source: Source): RowIssue | null {
  const other = OTHERS.find(([found]) => found(value));
  if (other) return rowIssue(source, '', `the row has ${other[1]}, which are not read`, other[2]);
  for (const { found, fix } of REFUSED) {
    const what = found(value);
    if (what !== null) return { ...rowIssue(source, '', `the row has ${what}`, fix), fault: 'not-taught' };
  }
  return null;
}
