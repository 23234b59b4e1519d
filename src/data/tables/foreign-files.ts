/**
 * Files of annotations in forms that are known and not read: each is named, with the way round, once for all files of its
 * kind. What a file is, its ending says, or its first lines, or its first values.
 */
import { PICTURE_END } from '../../base/picture-files.ts';
import { isObject } from '../../base/json.ts';
import { fileIssue } from '../file-set.ts';
import type { RowIssue } from '../row.ts';

/** A kind of file: what it is, and what to do. */
export type Kind = readonly [what: string, fix: string];

const TO_PARQUET = 'In Python, write its rows to Parquet or JSON Lines, with pictures as files, and drop those.';
const UNPACK = 'Unpack it yourself, and drop the folder.';
const TO_COCO = 'Convert the annotations to COCO or YOLO (FiftyOne and Datumaro do), and drop those.';

const ENDINGS: readonly (readonly [RegExp, ...Kind])[] = [
  [
    /\.(?:p|pkl|pickle)$/i,
    'it is a Python pickle: reading one means running the program inside it',
    "Convert it once: python -c \"import json, pickle, sys; json.dump(pickle.load(open(sys.argv[1], 'rb')), open(sys.argv[2], 'w'))\" refs.p refs.json, and drop refs.json with instances.json.",
  ],
  [
    /\.arrow$/i,
    'Arrow files are not read',
    'In Python, run datasets.load_from_disk(folder).to_parquet("rows.parquet"), of a folder with parts load_from_disk(folder)["train"] and so on, and drop the new files.',
  ],
  [
    /\.(?:feather|ipc)$/i,
    'it is a Feather file, which is not read',
    'In Python, run pandas.read_feather("rows.feather").to_parquet("rows.parquet"), and drop the new file.',
  ],
  [/\.tfrecords?$|\.tfrecord-\d+-of-\d+$/i, 'it is a TFRecord, which is not read', TO_PARQUET],
  [/\.(?:h5|hdf5)$/i, 'it is an HDF5 file, which is not read', TO_PARQUET],
  [/\.(?:mdb|lmdb)$/i, 'it is a database of LMDB, which is not read', TO_PARQUET],
  [/\.(?:npz|npy)$/i, 'it is an array of NumPy, which is not read', TO_PARQUET],
  [/\.mat$/i, 'it is a file of MATLAB, which is not read', TO_PARQUET],
  [/\.(?:db|sqlite3?)$/i, 'it is a database of SQLite, which is not read', TO_PARQUET],
  [/\.(?:avro|orc|mds|beton|lance)$/i, 'its format is not read', TO_PARQUET],
  [/\.(?:xlsx?|ods)$/i, 'it is a spreadsheet, which is not read', 'Save it as CSV in UTF-8, and drop that.'],
  [/\.(?:rar|7z|zst|xz|bz2|lz4|tgz\.\w+|zip\.\d+|z\d\d)$/i, 'it is packed in a way that is not unpacked here', UNPACK],
  [
    /\.(?:cls|caption)$/i,
    'it is a class or a caption of a whole picture (WebDataset): it has no boxes',
    'Drop samples whose .json has a question and an answer with boxes.',
  ],
];

/** By a file's name alone. */
export function kindByName(path: string): Kind | null {
  const found = ENDINGS.find(([pattern]) => pattern.test(path));
  return found ? [found[1], found[2]] : null;
}

const N = String.raw`-?\d{1,12}(?:\.\d{1,20})?(?:e[-+]?\d{1,3})?`;
const times = (count: string, between: string) => `(?:${between}${N}){${count}}`;
/** type, truncated, occluded, alpha, four of the box, seven of the place in space, and a score. */
const KITTI = new RegExp(`^[A-Za-z_]{1,40} ${N}${times('13,14', ' ')}\\s*$`);
/** Eight numbers, a class, and how difficult it is. */
const DOTA = new RegExp(`^${N}${times('7', ' ')} [\\w-]{1,80}(?: [012])?\\s*$`);
const COMMAS = new RegExp(`^${N}${times('6,9', '[ \\t]?,[ \\t]?')},?\\s*$`);
const PICTURE = String.raw`[^\s,]{1,300}${PICTURE_END}`;
const AFTER_PICTURE = new RegExp(`^${PICTURE}(?: \\d{1,6}(?:,\\d{1,6}){3,4}){1,}\\s*$`, 'i');
const ALONE = new RegExp(`^${PICTURE}$`, 'i');
const WIDER_BOX = new RegExp(`^${N}${times('3,12', ' ')}\\s*$`);

/** By the first lines of a text. */
export function kindByLines(path: string, head: string): Kind | null {
  const lines = head.split(/\r?\n/, 8).map((line) => line.trim());
  const [first = '', second = '', third = ''] = lines;
  if (KITTI.test(first)) return ['these are labels of KITTI, which are not read', TO_COCO];
  if (/^imagesource:/i.test(first) || /^gsd:/i.test(first) || DOTA.test(first))
    return [
      'these are turned boxes in the form of DOTA, which are not read',
      'Angles are not taught: write the upright box around the four corners, as COCO or YOLO.',
    ];
  if (COMMAS.test(first)) {
    const fields = first.split(',').filter((field) => field.trim() !== '').length;
    if (/(?:^|\/)(?:gt|det)\.txt$/i.test(path) || fields !== 8)
      return [
        'these are tracks in the form of MOTChallenge (frame, id, x, y, width, height, …), which are not read',
        TO_COCO,
      ];
    return ['these are boxes in the form of VisDrone, which are not read', TO_COCO];
  }
  if (AFTER_PICTURE.test(first))
    return [
      'these are boxes behind the names of their pictures (x1,y1,x2,y2,class), which are not read',
      'Export the annotations as COCO or as YOLO labels, a file a picture.',
    ];
  if (ALONE.test(first) && /^\d{1,6}$/.test(second) && WIDER_BOX.test(third))
    return ['these are boxes in the form of WIDER FACE, which are not read', TO_COCO];
  if (first.includes('[/EN#'))
    return [
      'these are the sentences of Flickr30k Entities, whose phrases are not read',
      'Write a row for each phrase: image, question and answer, with the phrase’s box as the answer.',
    ];
  if (/\.odgt$/i.test(path) || /^\{.{0,400}"gtboxes"/.test(first))
    return [
      'these are boxes in the form of CrowdHuman (odgt), which are not read',
      'Write one row a picture: { "file_name": …, "objects": { "bbox": [[x, y, width, height]], "category": […] } }, with the vbox of each person.',
    ];
  return null;
}

type Fields = Readonly<Record<string, unknown>>;
const has = (value: Fields, ...keys: readonly string[]): boolean => keys.every((key) => Object.hasOwn(value, key));
const firstIn = (value: unknown): Fields => {
  const [first] = Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [];
  return isObject(first) ? first : {};
};
const isVia = (value: Fields): boolean =>
  has(value, 'filename', 'regions') && (has(value, 'size') || has(firstIn(value.regions), 'shape_attributes'));
const VIA: Kind = [
  'it is a project of VIA, which is not read',
  'Export the annotations from VIA as COCO, and drop that.',
];

const VALUES: readonly (readonly [(value: Fields) => boolean, ...Kind])[] = [
  [
    (value) =>
      has(value, '_via_img_metadata') ||
      has(value, 'project', 'config', 'attribute', 'file', 'metadata') ||
      isVia(firstIn(value)),
    ...VIA,
  ],
  [
    (value) =>
      has(firstIn(value.objects), 'classTitle') || (has(value, 'size', 'objects', 'tags') && has(value, 'description')),
    'these are annotations of Supervisely, which are not read',
    'Export the project from Supervisely as COCO, and drop that.',
  ],
  [
    (value) => has(firstIn(value.classes), 'title', 'shape'),
    'it names the classes of a project of Supervisely, which is not read',
    'Export the project from Supervisely as COCO, and drop that.',
  ],
  [
    (value) => has(firstIn(value), 'question', 'imageId') || has(value, 'question', 'imageId'),
    'these are questions of GQA: they have no boxes',
    'Write rows: image (imageId with .jpg), question, and as the answer the boxes that annotations names in the scene graphs.',
  ],
  [
    (value) => has(firstIn(firstIn(value).objects), 'name', 'x', 'y', 'w', 'h'),
    'these are scene graphs of GQA, which are not read',
    'Write one row a picture: { "file_name": …, "objects": { "bbox": [[x, y, w, h]], "category": [name] } } in metadata.jsonl.',
  ],
  [
    (value) => isObject(value.image) && has(firstIn(value.annotations), 'predicted_iou'),
    'these are masks of SA-1B: they name nothing that could be asked for',
    'Leave them out, or write rows with a question and a box for each thing that you have named.',
  ],
  [
    (value) => has(value, 'imgHeight', 'imgWidth', 'objects'),
    'these are outlines of Cityscapes, which are not read',
    'Convert them to COCO, and drop that.',
  ],
];

/** By what a JSON file holds, or the first of its values. */
export function kindByValue(value: unknown): Kind | null {
  const found = isObject(value) ? VALUES.find(([matches]) => matches(value)) : undefined;
  return found ? [found[1], found[2]] : null;
}

/** Files of each kind, told once. */
export class ForeignFiles {
  readonly #kinds = new Map<string, { readonly kind: Kind; readonly file: string; others: number }>();

  add(file: string, kind: Kind): void {
    const known = this.#kinds.get(kind[0]);
    if (known) known.others++;
    else this.#kinds.set(kind[0], { kind, file, others: 0 });
  }

  get issues(): RowIssue[] {
    return [...this.#kinds.values()].map(({ kind: [what, fix], file, others }) => {
      const more = others ? ` (and ${others} ${others === 1 ? 'file' : 'files'} more of this kind)` : '';
      return fileIssue(file, `${what}${more}`, fix, 'warning');
    });
  }
}
