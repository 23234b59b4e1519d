/**
 * Raw rows → Rows: text taken apart into words, pictures and boxes; boxes as fractions; the target into thinking and
 * answer. Two steps, because what the numbers of a file mean
 * shows only from all of them (conventions.ts).
 *
 * Which picture a box lies in, where the box itself does not say: the only one; else the one the words around it name;
 * for an answer else the one the question asks for (“… in Image-2”); else the last, marked `imageGuessed` and reported,
 * so that no answer is called wrong for naming another. A prompt's box without a word is put in the first picture.
 */
import { subject } from '../base/counts.ts';
import type { GroundedBox } from '../grounding/box.ts';
import { imageOf, resolveHint } from '../grounding/image-hint.ts';
import type { Misfit } from '../grounding/box-values.ts';
import { saysOfBox } from '../grounding/box-values.ts';
import { halfWidth } from '../grounding/loose-json.ts';
import { findQuads } from '../grounding/quads.ts';
import { answerParts, asksForBox, saysNothing, type AnswerParts } from './answer-parts.ts';
import type { Counting } from './counting.ts';
import type { BoxLayout, Convention, UnsaidPictures, WayOfWriting } from './dataset-ref.ts';
import { foreignPlace } from './foreign-places.ts';
import type { LedgerKey } from './ledger.ts';
import type { Pictures } from './pictures.ts';
import {
  countedIn,
  lastPart,
  MarkSupply,
  placesIn,
  searchText,
  type BoxPlace,
  type CountsFrom,
  type MarkedText,
  type SearchedText,
} from './places.ts';
import { isBarred, rowIssue, type RawRow } from './raw-row.ts';
import { needsPicture, type PictureFacts } from './reading.ts';
import type { Message, Row, RowIssue, Segment } from './row.ts';
import { hasLooseOrder, inOrder, isXFirst, ordersIn } from './stated-order.ts';
import { checkBox, checkImages, checkTurns, roleOf } from './validate.ts';

/** A raw row with its texts searched; of an answer, what is not its thinking. */
export interface SearchedRow {
  readonly raw: RawRow;
  /** Of each turn. */
  readonly texts: readonly SearchedText[];
  /** Of each turn. */
  readonly thinks: readonly (string | null)[];
  readonly images: readonly string[];
  /** What the reader and this search did to the row. */
  readonly done: readonly LedgerKey[];
  /** Found before any box was read. Errors: the row is lost. */
  readonly issues: readonly RowIssue[];
}

/** First step: nothing in it depends on what the numbers mean. `counting` learns how the file counts pictures. */
export function searchRow(raw: RawRow, pictures: Pick<Pictures, 'find'>, counting: Counting): SearchedRow {
  const { paths, issues: imageIssues } = checkImages(raw, pictures);
  const issues = [...checkTurns(raw), ...imageIssues];
  const supply = new MarkSupply(raw.boxes, raw.refs);
  const names = raw.images.map(lastPart);
  const parts = raw.turns.map(({ role, text }): AnswerParts =>
    roleOf(role) === 'assistant' ? answerParts(text) : { think: null, answer: text, done: [] },
  );
  const found = parts.map(({ answer }) => searchText(answer, supply, raw.said, names));
  for (const counted of found.flatMap(countedIn)) counting.see(raw.source.file, counted, raw.images.length);
  if (supply.missing)
    issues.push(
      rowIssue(
        raw.source,
        'objects',
        `${supply.missing} marks (<bbox>, <ref-object>) have nothing to stand for`,
        'Give objects.bbox and objects.ref one entry for each mark.',
      ),
    );
  if (supply.unusedBoxes)
    issues.push(
      rowIssue(
        raw.source,
        'objects.bbox',
        `${subject(supply.unusedBoxes, 'box', 'has', 'have')} no <bbox> mark`,
        'Write one <bbox> for each box.',
      ),
    );
  const last = parts.at(-1);
  const said = raw.turns.at(-1)?.text ?? '';
  if (last?.answer === '' && said.trim() !== '' && !/<answer>/i.test(said))
    issues.push(
      rowIssue(
        raw.source,
        raw.turns.at(-1)!.field,
        'there is no answer after the thinking',
        'The answer was probably cut off: complete it, or leave the row out.',
      ),
    );
  for (const [i, { misfits }] of found.entries())
    if (misfits[0] && roleOf(raw.turns[i]!.role) === 'assistant') issues.push(misfitIssue(raw, i, misfits));
  for (const [i, { answer }] of parts.entries()) {
    if (roleOf(raw.turns[i]!.role) !== 'assistant' || found[i]!.misfits[0]) continue;
    const asked = raw.turns.slice(0, i).findLast(({ role }) => roleOf(role) === 'user');
    const foreign = foreignPlace(answer, asked?.text ?? '', found[i]!.quads.length > 0);
    if (foreign)
      issues.push(
        rowIssue(raw.source, raw.turns[i]!.field, `the answer has ${foreign.what}, which is not read`, foreign.fix),
      );
  }
  const { texts, ordered, contrary } = inStatedOrder(raw, found);
  if (contrary !== null)
    issues.push(
      rowIssue(
        raw.source,
        raw.turns[contrary]!.field,
        'the row states two orders for the numbers of a box',
        'State one, such as [x1, y1, x2, y2], and write the boxes in it.',
      ),
    );
  const done = [
    ...new Set([
      ...(raw.done ?? []),
      ...parts.flatMap((part) => part.done),
      ...(ordered ? (['order-stated'] as const) : []),
    ]),
  ];
  return { raw, texts, thinks: parts.map(({ think }) => think), images: paths, done, issues };
}

const MISFITS: Readonly<Record<Misfit['kind'], string>> = {
  quadrilateral: 'Write the box around it, [x1, y1, x2, y2]: least and greatest x and y of its corners.',
  'rotated box': 'Write the upright box around it, [x1, y1, x2, y2]: angles are not taught.',
  point: 'Points are not supported: give [x1, y1, x2, y2].',
  'box beyond its space':
    'The key box_2d is Gemini’s: [ymin, xmin, ymax, xmax] in thousandths, none above 1000. Call boxes in pixels bbox_2d, x first.',
};

/**
 * Texts whose boxes are in an order that words state: those of the text itself, or else those of the question before
 * it, of the system, or of an earlier turn. `contrary`: the turn whose words state several that differ.
 */
function inStatedOrder(
  { turns }: RawRow,
  found: readonly SearchedText[],
): { readonly texts: readonly SearchedText[]; readonly ordered: boolean; readonly contrary: number | null } {
  if (!found.some(hasLooseOrder)) return { texts: found, ordered: false, contrary: null };
  const stated = turns.map(({ text }) => ordersIn(text));
  let [ordered, contrary] = [false, null as number | null];
  const texts = found.map((text, i) => {
    if (!hasLooseOrder(text)) return text;
    const by = stated[i]!.length ? i : stated.slice(0, i).findLastIndex((orders) => orders.length > 0);
    const [order, ...others] = stated[by] ?? [];
    if (others.length) contrary = by;
    if (!order || others.length) return text;
    ordered ||= !isXFirst(order);
    return inOrder(text, order);
  });
  return { texts, ordered, contrary };
}

/** What is no box would be learned as text, in the numbers of the file. */
function misfitIssue(raw: RawRow, turn: number, misfits: readonly Misfit[]): RowIssue {
  const [{ kind }] = misfits as [Misfit];
  const more = misfits.length > 1 ? `, and ${misfits.length - 1} more` : '';
  return rowIssue(
    raw.source,
    raw.turns[turn]!.field,
    `the answer has a ${kind}${more}, which is not read`,
    MISFITS[kind],
  );
}

/** A box whose row does not itself say what its numbers are, and the picture it most probably lies in, from 0. */
export interface LooseBox {
  readonly way: WayOfWriting;
  readonly place: BoxPlace;
  readonly image: number | null;
}

export function looseBoxes({ raw, texts, images }: SearchedRow, counting: Counting): LooseBox[] {
  return texts.flatMap((text) =>
    placesIn(text, null, (by) => counting.from(raw.source.file, by)).boxes.flatMap((place) =>
      place.written === 'stated'
        ? []
        : [{ way: place.written, place, image: resolveHint(place.image ?? -1, images.length) }],
    ),
  );
}

/** “You are given a source image followed by several of its regions. Locate the first in the source image.” */
const SOURCE_FIRST =
  /\bsource (?:image|picture|photo)\b[^.?!]{0,40}\bfollowed by\b[^]{0,400}\b(?:in|within|on) (?:the|that|this) source (?:image|picture|photo)\b/i;

/** “… locate it in the second image”: the picture a question asks for, the last one named this way; null if none is. */
function askedImage(question: SearchedText | undefined, pictures: number, countsFrom: CountsFrom): number | null {
  const text = question?.text ?? '';
  // MIG-Bench's and MGrounding's `region`: pieces of the first picture follow it.
  if (SOURCE_FIRST.test(text)) return 0;
  const last = question?.hints.findLast(({ start }) =>
    /(?:\b(?:in|on|within|inside)\s{1,2}(?:the\s{1,2})?|在|于)["'‘“(]?$/i.test(
      text.slice(Math.max(0, start - 16), start),
    ),
  );
  if (!last) return null;
  const image = last.counted ? imageOf(last.counted, countsFrom(last.counted.by)) : last.image;
  return image === null ? null : resolveHint(image, pictures);
}

/** Qwen2-VL's tokens mean nothing to other families; boxes and labels have been taken out of them. */
const withoutTokens = (text: string): string => text.replace(/<\|(?:object_ref|box)_(?:start|end)\|>/g, '');

export interface InterpretContext {
  /** Of lists of four numbers. */
  readonly layout: BoxLayout;
  conventionOf(written: BoxPlace['written'], raw: RawRow): Convention;
  /** Whether of the file's lists x is assumed to come first. */
  readonly orderAssumed: boolean;
  factsOf(path: string): Promise<Omit<PictureFacts, 'listed'> | null>;
  readonly counting: Counting;
  /** Keep the words around an answer's boxes. */
  readonly words: boolean;
  /** Teach the last answer only. */
  readonly lastOnly: boolean;
  /** Where a box lies of which nothing says it; undefined: nobody was asked yet. */
  readonly unsaid: UnsaidPictures['as'] | undefined;
}

export interface Interpreted {
  readonly row: Omit<Row, 'id' | 'split'> | null;
  readonly issues: RowIssue[];
  /** Boxes that reached a little beyond their picture and were cut. */
  readonly clipped: number;
  /** What was done to the row; empty where it is left out. */
  readonly done: ReadonlySet<LedgerKey>;
}

/** Second step. A row with an error is null; its issues say why. */
export async function interpretRow(searched: SearchedRow, context: InterpretContext): Promise<Interpreted> {
  const { raw, images } = searched;
  const issues = [...searched.issues];
  const lost = (): Interpreted => ({ row: null, issues, clipped: 0, done: new Set() });
  if (issues.some(({ severity }) => severity === 'error')) return lost();
  const countsFrom: CountsFrom = (by) => context.counting.from(raw.source.file, by);
  const texts = searched.texts.map((text) => placesIn(text, context.layout, countsFrom));
  const roles = raw.turns.map(({ role }) => roleOf(role)!);
  const done = new Set(searched.done);
  const dropped: RowIssue[] = [];
  let picture = 0;
  let clipped = 0;

  const segmentsOf = async (turn: number): Promise<Segment[]> => {
    const { text, boxes } = texts[turn]!;
    const { field } = raw.turns[turn]!;
    const isAnswer = roles[turn] === 'assistant';
    const inPlace = !isAnswer || context.words;
    const segments: Segment[] = [];
    const addText = (piece: string) => {
      for (const [i, part] of piece.split('<image>').entries()) {
        if (i > 0) segments.push({ type: 'image', image: picture++ });
        const words = withoutTokens(part);
        if (words !== '') segments.push({ type: 'text', text: words });
      }
    };
    let from = 0;
    for (const place of boxes) {
      let image = images.length === 1 && place.image === null ? 0 : null;
      let imageGuessed = false;
      if (place.image !== null) {
        image = resolveHint(place.image, images.length);
        if (image === null) {
          issues.push(
            rowIssue(
              raw.source,
              field,
              `a box is in picture ${place.image + 1}, but the row has ${images.length}`,
              'Correct the number of the picture.',
            ),
          );
          return [];
        }
      } else if (image === null && !isAnswer) {
        image = 0;
        done.add('prompt-box-in-first');
      } else if (image === null) {
        image = askedImage(questionOf(searched, roles, turn), images.length, countsFrom);
        // A benchmark is not taught, so its guess does no harm.
        const refused = raw.said !== null || context.unsaid === 'leave-out';
        if (image === null && refused && !isBarred(raw)) {
          issues.push(unsaidIssue(raw, field, images.length));
          return [];
        }
        const told = image === null && context.unsaid !== undefined;
        done.add(told ? 'picture-told' : image === null ? 'picture-guessed' : 'picture-from-question');
        imageGuessed = image === null && !told;
        image ??= context.unsaid === 'first' ? 0 : images.length - 1;
      }
      const path = images[image];
      if (path === undefined) {
        issues.push(
          rowIssue(raw.source, field, 'there is a box, but no picture', 'Add the picture to the row’s images.'),
        );
        return [];
      }
      const convention: Convention = place.space
        ? { space: place.space, layout: 'xyxy' }
        : context.conventionOf(place.written, raw);
      const facts = needsPicture(convention.space) ? await context.factsOf(path) : null;
      const listed = raw.sizes?.[image] ?? null;
      const checked = checkBox(place, convention, facts && { ...facts, listed }, field, raw.source);
      if (!checked.ok) {
        if (raw.separable && isAnswer) {
          // One annotation of many is dropped with its own line, and the row keeps the others.
          dropped.push(checked.issue);
          from = Math.max(from, place.end);
          continue;
        }
        issues.push(checked.issue);
        return [];
      }
      if (place.space && place.inner) done.add('y-first');
      if (place.unordered && context.orderAssumed && place.written === 'list' && !isBarred(raw))
        done.add('order-assumed');
      if (checked.clipped) clipped++;
      const own = (inPlace && place.inner) || place;
      const spelling = inPlace && isInside(place) ? place.inner?.spelling : undefined;
      if (own.start > from) addText(text.slice(from, own.start));
      const box: GroundedBox = {
        image,
        box: checked.box,
        ...(place.label ? { label: place.label } : {}),
        ...(imageGuessed ? { imageGuessed: true as const } : {}),
      };
      segments.push({ type: 'box', box, ...(spelling !== undefined && { spelling }) });
      from = Math.max(from, own.end);
    }
    addText(text.slice(from));
    if (dropped.length && isAnswer && !segments.some(({ type }) => type === 'box')) issues.push(...dropped);
    return segments;
  };

  const messages: Message[] = [];
  for (const [i, role] of roles.entries()) {
    const content = await segmentsOf(i);
    const think = searched.thinks[i];
    const nothing =
      role === 'assistant' &&
      images.length > 0 &&
      texts[i]!.boxes.length === 0 &&
      saysNothing(texts[i]!.text, questionOf(searched, roles, i)?.text ?? '');
    if (nothing) done.add('nothing-to-find');
    messages.push({
      role,
      content,
      ...(think === null || think === undefined ? {} : { think }),
      ...(nothing && { nothing }),
    });
  }
  if (dropped.length && !issues.some(({ severity }) => severity === 'error')) {
    done.add('boxes-dropped');
    issues.push(...dropped.map((issue): RowIssue => ({ ...issue, severity: 'warning' })));
  }
  const { content: target, think, nothing } = messages.pop()!;
  if (issues.some(({ severity }) => severity === 'error')) return lost();

  if (picture === 0 && images.length) {
    done.add('pictures-put-first');
    const first = messages.findIndex(({ role }) => role === 'user');
    const pictures = images.map((_, image): Segment => ({ type: 'image', image }));
    messages[first] = {
      role: 'user',
      content: [...pictures, { type: 'text', text: '\n' }, ...messages[first]!.content],
    };
  }
  if (searched.thinks.some((each) => each && findQuads(each).length)) done.add('coordinates-in-thinking');
  const solution = target.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  if (solution.some(({ imageGuessed }) => imageGuessed))
    issues.push(
      rowIssue(
        raw.source,
        raw.turns.at(-1)!.field,
        'the row does not say which picture the box is in, so the last is assumed',
        'State it in the answer (“It’s in the second image.”) or in the question (“… in Image-2”).',
        'warning',
      ),
    );
  for (const [i, role] of roles.entries()) {
    if (role !== 'assistant') continue;
    const content = i === roles.length - 1 ? target : messages[i]!.content;
    const asks = asksForBox(questionOf(searched, roles, i)?.text ?? '');
    for (const key of shortened(content, context.words, asks)) done.add(key);
    if (!context.words && dropsFields(texts[i]!)) done.add('fields-dropped');
  }
  if (clipped > 0) done.add('box-cut');
  const words = [...messages.flatMap(({ content }) => content), ...target];
  if (words.some((segment) => segment.type === 'text' && CONTROL.test(segment.text))) done.add('control-tokens');
  const lastOnly = context.lastOnly && messages.some(({ role }) => role === 'assistant');
  if (lastOnly) done.add('earlier-answers');
  const row = {
    task: raw.task,
    images: [...images],
    prompt: messages,
    ...(think === undefined ? {} : { think }),
    ...(nothing && { nothing }),
    ...(context.words && { words: true as const }),
    ...(lastOnly && { lastOnly: true as const }),
    answer: target,
    solution,
    ...(raw.provenance && { provenance: raw.provenance }),
    ...(raw.benchmark && { benchmark: raw.benchmark }),
    source: raw.source,
  };
  return { row, issues, clipped, done };
}

/** Four or more numbers in brackets. Bounded repetitions: linear in the text. */
const BOX_LIKE = /[[({<]\s{0,3}(?:-?\d{1,7}(?:\.\d{1,20})?[\s,;，|]{1,3}){3,15}-?\d{1,7}(?:\.\d{1,20})?\s{0,3}[\])}>]/;

/** Two or three numbers in brackets: a point, or half a box. */
const POINT_LIKE =
  /[[(<]\s{0,3}-?\d{1,7}(?:\.\d{1,20})?(?:\s{0,3}[,;]\s{0,3}-?\d{1,7}(?:\.\d{1,20})?){1,2}\s{0,3}[\])>]/;
/** What stands in lists where a number was lost. */
const NO_NUMBER = /(?<=[[(,]\s?)-?(?:nan|none|null|inf(?:inity)?)(?=\s?[,\])])/gi;
const HAN_DIGITS = /[〇零一二三四五六七八九]/g;

/** Numbers of every script as ASCII digits, also those that are not read. */
const plainDigits = (text: string): string =>
  halfWidth(text.normalize('NFKC')).replace(HAN_DIGITS, '1').replace(NO_NUMBER, '1');

/** As Qwen, Llama and SmolVLM write theirs. */
const CONTROL =
  /<\|[a-z_][a-z0-9_]{1,40}\|>|<(?:fake_token_around_image|global-img|row_\d_col_\d|end_of_utterance|image)>/;

/** Four numbers with little between them, where no brackets say that they belong together. */
const LOOSELY = /(?<![\d.])-?\d{1,5}(?:\.\d{1,20})?(?:[^\d]{1,16}\d{1,5}(?:\.\d{1,20})?){3}/;

const KEY = /["']([^"'\n]{1,60})["']\s?:/g;

/** Whether JSON around boxes has fields that say nothing of a box. */
function dropsFields({ text, boxes }: MarkedText): boolean {
  const labels = new Set(boxes.map(({ label }) => label));
  const places = new Set(boxes.flatMap(({ inner, start, end }) => (inner ? [`${start} ${end}`] : [])));
  return [...places].some((place) => {
    const [start, end] = place.split(' ').map(Number);
    const keys = Array.from(text.slice(start, end).matchAll(KEY), ([, key]) => key!);
    return keys.some((key) => !labels.has(key) && !saysOfBox(key));
  });
}

/** What of an answer is not learned as it was written. `asks`: a place was asked for. */
function* shortened(answer: readonly Segment[], keepsWords: boolean, asks: boolean): Generator<LedgerKey> {
  const boxes = answer.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  const words = answer.map((segment) => (segment.type === 'text' ? segment.text : '')).join('\n');
  // A label that stands as text before its box is learned with it.
  const around = boxes.reduce((rest, { label }) => (label ? rest.replace(label, '') : rest), words);
  if (!keepsWords && boxes.length && /[\p{L}\p{N}]/u.test(around)) yield 'answer-reduced';
  const plain = plainDigits(words);
  const loose = !boxes.length && (POINT_LIKE.test(plain) || (asks && LOOSELY.test(plain)));
  if (BOX_LIKE.test(plain) || loose) yield 'numbers-not-read';
}

/** What was asked before an answer. */
const questionOf = (
  { texts }: SearchedRow,
  roles: readonly Message['role'][],
  turn: number,
): SearchedText | undefined => texts[roles.lastIndexOf('user', turn)];

/** Whether a box is only a part of its form, the rest of which stays where the box is written in place. */
const isInside = ({ start, end, inner }: BoxPlace): boolean =>
  inner !== undefined && (inner.start > start || inner.end < end || inner.spelling.startsWith('{'));

const unsaidIssue = (raw: RawRow, field: string, pictures: number): RowIssue =>
  rowIssue(
    raw.source,
    field,
    `nothing says in which of ${pictures} pictures the box lies`,
    'Give objects.image_id an entry for each box, counted from 0, or write it into the answer (“Image-2: …”).',
  );
