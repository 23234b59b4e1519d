/**
 * Raw rows → Rows: text taken apart into words, pictures and boxes; boxes as fractions; the target into thinking and
 * answer. Two steps, because what the numbers of a file mean
 * shows only from all of them (conventions.ts).
 *
 * Which picture a box lies in, where the box itself does not say: the only one; else the one the words around it name;
 * for an answer else the one the question asks for (“… in Image-2”); else the last, marked `imageGuessed` and reported,
 * so that no answer is called wrong for naming another. A prompt's box without a word is put in the first picture.
 */
import type { GroundedBox, Size } from '../grounding/box.ts';
import { imageHints, resolveHint } from '../grounding/image-hint.ts';
import { findQuads } from '../grounding/quads.ts';
import { splitTags } from '../grounding/parse.ts';
import type { BoxLayout, Convention, WayOfWriting } from './dataset-ref.ts';
import type { LedgerKey } from './ledger.ts';
import type { Pictures } from './pictures.ts';
import { MarkSupply, placesIn, searchText, type BoxPlace, type MarkedText, type SearchedText } from './places.ts';
import { rowIssue, type RawRow } from './raw-row.ts';
import type { Message, Row, RowIssue, Segment } from './row.ts';
import { checkBox, checkImages, checkTurns, roleOf } from './validate.ts';

/** A raw row with its texts searched; the last turn's text is the answer alone. */
export interface SearchedRow {
  readonly raw: RawRow;
  readonly texts: readonly SearchedText[];
  readonly think: string | null;
  readonly images: readonly string[];
  /** What the reader and this search did to the row. */
  readonly done: readonly LedgerKey[];
  /** Found before any box was read. Errors: the row is lost. */
  readonly issues: readonly RowIssue[];
}

/** First step: nothing in it depends on what the numbers mean. */
export function searchRow(raw: RawRow, pictures: Pick<Pictures, 'find'>): SearchedRow {
  const { paths, issues: imageIssues } = checkImages(raw, pictures);
  const issues = [...checkTurns(raw), ...imageIssues];
  const supply = new MarkSupply(raw.boxes, raw.refs);
  const said = raw.turns.at(-1)?.text ?? '';
  const target = splitTags(said);
  const texts = raw.turns.map(({ text }, i) =>
    searchText(i === raw.turns.length - 1 ? target.answer : text, supply, raw.space !== null),
  );
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
        `${supply.unusedBoxes} boxes have no <bbox> mark`,
        'Write one <bbox> for each box.',
      ),
    );
  const done = [
    ...(raw.done ?? []),
    ...(target.hasAnswerTag && target.outside ? (['words-outside-answer'] as const) : []),
  ];
  return { raw, texts, think: target.think, images: paths, done, issues };
}

/** A box whose file does not declare its convention, and the picture it most probably lies in, from 0. */
export interface LooseBox {
  readonly way: WayOfWriting;
  readonly place: BoxPlace;
  readonly image: number | null;
}

export function looseBoxes({ texts, images }: SearchedRow): LooseBox[] {
  return texts.flatMap((text) =>
    placesIn(text, null).boxes.flatMap((place) =>
      place.written === 'declared'
        ? []
        : [{ way: place.written, place, image: resolveHint(place.image ?? -1, images.length) }],
    ),
  );
}

/** “… locate it in the second image”: the picture a question asks for, the last one named this way; null if none is. */
function askedImage(question: string, pictures: number): number | null {
  const asked = imageHints(question).filter(({ start }) =>
    /\b(?:in|on|within|inside)\s{1,2}(?:the\s{1,2})?["'‘“(]?$/i.test(question.slice(Math.max(0, start - 16), start)),
  );
  const last = asked.at(-1);
  return last ? resolveHint(last.image, pictures) : null;
}

/** Qwen2-VL's tokens mean nothing to other families; boxes and labels have been taken out of them. */
const withoutTokens = (text: string): string => text.replace(/<\|(?:object_ref|box)_(?:start|end)\|>/g, '');

export interface InterpretContext {
  /** Of lists of four numbers. */
  readonly layout: BoxLayout;
  conventionOf(written: BoxPlace['written'], raw: RawRow): Convention;
  sizeOf(path: string): Promise<Size | null>;
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
  const texts = searched.texts.map((text) => placesIn(text, context.layout));
  const done = new Set(searched.done);
  const question = texts.findLast((_, i) => roleOf(raw.turns[i]!.role) === 'user')?.text ?? '';
  let picture = 0;
  let clipped = 0;

  const segmentsOf = async ({ text, boxes }: MarkedText, field: string, isTarget: boolean): Promise<Segment[]> => {
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
              `a box lies in picture ${place.image + 1} of ${images.length}`,
              'Correct the number of the picture.',
            ),
          );
          return [];
        }
      } else if (image === null && !isTarget) {
        image = 0;
        done.add('prompt-box-in-first');
      } else if (image === null) {
        image = askedImage(question, images.length);
        done.add(image === null ? 'picture-guessed' : 'picture-from-question');
        imageGuessed = image === null;
        image ??= images.length - 1;
      }
      const path = images[image];
      if (path === undefined) {
        issues.push(
          rowIssue(raw.source, field, 'there is a box, but no picture', 'Add the picture to the row’s images.'),
        );
        return [];
      }
      const convention = context.conventionOf(place.written, raw);
      const pixels = convention.space === 'natural' || convention.space === 'model';
      const checked = checkBox(place, convention, pixels ? await context.sizeOf(path) : null, field, raw.source);
      if (!checked.ok) {
        issues.push(checked.issue);
        return [];
      }
      if (checked.clipped) clipped++;
      if (place.start > from) addText(text.slice(from, place.start));
      const box: GroundedBox = {
        image,
        box: checked.box,
        ...(place.label ? { label: place.label } : {}),
        ...(imageGuessed ? { imageGuessed: true as const } : {}),
      };
      segments.push({ type: 'box', box });
      from = Math.max(from, place.end);
    }
    addText(text.slice(from));
    return segments;
  };

  const messages: Message[] = [];
  for (const [i, turn] of raw.turns.entries())
    messages.push({
      role: roleOf(turn.role)!,
      content: await segmentsOf(texts[i]!, turn.field, i === raw.turns.length - 1),
    });
  const target = messages.pop()!.content;
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
  if (searched.think && findQuads(searched.think).length) done.add('coordinates-in-thinking');
  const solution = target.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  if (solution.some(({ imageGuessed }) => imageGuessed))
    issues.push(
      rowIssue(
        raw.source,
        raw.turns.at(-1)!.field,
        'the row does not say in which picture the box lies; the last is assumed',
        'Write it into the answer (“It’s in the second image.”) or the question (“… in Image-2”).',
        'warning',
      ),
    );
  for (const key of shortened(messages, target, images.length)) done.add(key);
  if (clipped > 0) done.add('box-cut');
  const row = {
    task: raw.task,
    images: [...images],
    prompt: messages,
    ...(searched.think === null ? {} : { think: searched.think }),
    answer: target,
    solution,
    source: raw.source,
  };
  return { row, issues, clipped, done };
}

/** Four or more numbers in brackets. Bounded repetitions: linear in the text. */
const BOX_LIKE = /[[({<]\s{0,3}(?:-?\d{1,7}(?:\.\d{1,20})?[\s,;，|]{1,3}){3,15}-?\d{1,7}(?:\.\d{1,20})?\s{0,3}[\])}>]/;

/** What of an answer is not learned as it was written. */
function* shortened(prompt: readonly Message[], target: readonly Segment[], pictures: number): Generator<LedgerKey> {
  const boxes = target.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  const words = target.map((segment) => (segment.type === 'text' ? segment.text : '')).join('\n');
  if (prompt.some(({ role }) => role === 'assistant')) yield 'earlier-turns';
  // A label that stands as text before its box is learned with it.
  const around = boxes.reduce((rest, { label }) => (label ? rest.replace(label, '') : rest), words);
  if (boxes.length && /[\p{L}\p{N}]/u.test(around)) yield 'answer-reduced';
  if (boxes.length && pictures > 1 && boxes.some(({ label }) => label)) yield 'labels-dropped';
  if (BOX_LIKE.test(words)) yield 'numbers-not-read';
}
