/**
 * A row with its pictures in another order: boxes and words that name a picture follow. A row whose words speak of the
 * order itself keeps it, as does one whose pictures stand at places that say what they are for.
 */
import type { GroundedBox } from '../../grounding/box.ts';
import { HINT_PATTERNS, imageHints, resolveHint, type ImageHint } from '../../grounding/image-hint.ts';
import { boxSegments, type Row, type Segment } from '../row.ts';

/** Words that speak of before and after: of a row in another order they would be wrong. */
const IN_TIME =
  /\b(?:before|after|previous(?:ly)?|next|earlier|later|former|latter|sequence|chronological(?:ly)?|consecutive|in order|order of|over time|video|clip|query|reference|template)\b|之前|之后|之後|前一|后一|後一|上一|下一|顺序|順序|视频|影片|参考|參考|先后/iu;

/** The parts of a row's words, with whether a picture stands right behind each. */
function* wordsOf(row: Row): Generator<{ readonly text: string; readonly label: boolean }> {
  for (const { content, think } of row.prompt) {
    yield* wordsIn(content);
    if (think !== undefined) yield { text: think, label: false };
  }
  yield* wordsIn(row.answer);
  if (row.think !== undefined) yield { text: row.think, label: false };
}

function* wordsIn(content: readonly Segment[]): Generator<{ readonly text: string; readonly label: boolean }> {
  for (const [i, segment] of content.entries())
    if (segment.type === 'text') yield { text: segment.text, label: content[i + 1]?.type === 'image' };
}

/** The name that a picture behind these words is given: it belongs to the place, and stays there. */
function nameAtEnd(text: string): ImageHint | null {
  const last = imageHints(text).at(-1);
  return last && /^[\s:：.)\]>-]*$/.test(text.slice(last.end)) ? last : null;
}

const NUMBERS = [...HINT_PATTERNS.numbers, ...HINT_PATTERNS.letters];

/** The words of a hint for another picture, counted from 0; null where they cannot be said of it. */
function renamed(words: string, { image, counted }: ImageHint, to: number): string | null {
  if (image === null || image < 0) return null;
  if (/\d/.test(words)) {
    const value = counted ? to + counted.value - image : to + 1;
    // “2nd” has an ending of its own.
    if (/\d\s?(?:st|nd|rd|th)\b/i.test(words))
      return words.replace(/\d+(\s?)(?:st|nd|rd|th)/i, (_, space: string) => `${value}${space}${ending(value)}`);
    return words.replace(/\d+/, String(value));
  }
  for (const list of NUMBERS) {
    const word = list[image];
    const next = list[to];
    if (word === undefined || next === undefined) continue;
    const at = words.toLowerCase().lastIndexOf(word.toLowerCase());
    if (at < 0 || !/\p{L}/u.test(word)) continue;
    const found = words.slice(at, at + word.length);
    const capital = found[0] !== found[0]!.toLowerCase();
    const written = capital && next.length > 1 ? next[0]!.toUpperCase() + next.slice(1) : next;
    return words.slice(0, at) + written + words.slice(at + word.length);
  }
  return null;
}

const ending = (n: number): string =>
  n % 100 > 10 && n % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');

/** @param place where picture i of the row stands now */
function rewritten(text: string, label: boolean, place: readonly number[]): string {
  const name = label ? nameAtEnd(text) : null;
  let done = '';
  let from = 0;
  for (const hint of imageHints(text)) {
    if (hint.start < from || hint.start === name?.start) continue;
    const image = resolveHint(hint.image ?? -2, place.length);
    const words = image === null ? null : renamed(text.slice(hint.start, hint.end), { ...hint, image }, place[image]!);
    if (words === null) continue;
    done += text.slice(from, hint.start) + words;
    from = hint.end;
  }
  return done + text.slice(from);
}

/** Whether a hint that is not a place's own name could be said of every picture of the row. */
const canBeRenamed = (text: string, label: boolean, pictures: number): boolean => {
  const name = label ? nameAtEnd(text) : null;
  return imageHints(text).every((hint) => {
    if (hint.start === name?.start) return true;
    if (hint.image === null || hint.image < 0 || hint.image >= pictures) return false;
    const words = text.slice(hint.start, hint.end);
    return Array.from({ length: pictures }, (_, to) => to).every((to) => renamed(words, hint, to) !== null);
  });
};

/** What may stand between two pictures of one turn: nothing, or the name of the one behind it. */
const isBetween = (text: string): boolean => {
  const name = nameAtEnd(text);
  return text.slice(0, name?.start ?? text.length).trim() === '';
};

/** Why a row's pictures keep their order, or null. */
export function whyInOrder(row: Row): string | null {
  if (row.images.length < 2) return 'has fewer than two pictures';
  if (row.solution.length === 0 && !row.nothing) return 'has an answer without boxes, which may count pictures';
  if (row.solution.some(({ imageGuessed }) => imageGuessed)) return 'does not say which picture its boxes are on';
  const turns = row.prompt.filter(({ content }) => content.some(({ type }) => type === 'image'));
  if (turns.length > 1) return 'shows its pictures in several turns';
  const content = turns[0]?.content ?? [];
  const places = content.flatMap((segment, i) => (segment.type === 'image' ? [i] : []));
  if (places.length !== row.images.length) return 'shows a picture more than once';
  for (let i = places[0]! + 1; i < places.at(-1)!; i++) {
    const segment = content[i]!;
    if (segment.type === 'box' || (segment.type === 'text' && !isBetween(segment.text)))
      return 'has words between its pictures';
  }
  if (
    boxSegments(row).some(({ spelling }) => spelling !== undefined && /\d/.test(spelling.replace(/\$[a-z]+\d?/g, '')))
  )
    return 'writes numbers beside its boxes';
  for (const { text, label } of wordsOf(row)) {
    if (IN_TIME.test(text)) return 'speaks of an order';
    if (!canBeRenamed(text, label, row.images.length)) return 'names pictures in a way that cannot follow';
  }
  return null;
}

/** The row with picture `order[i]` at place i. For rows that `whyInOrder` has nothing against. */
export function reordered(row: Row, order: readonly number[]): Row {
  const place = row.images.map((_, i) => order.indexOf(i));
  const moved = <B extends GroundedBox>(box: B): B => ({ ...box, image: place[box.image]! });
  const segments = (content: readonly Segment[]): Segment[] =>
    content.map((segment, i): Segment => {
      if (segment.type === 'box') return { ...segment, box: moved(segment.box) };
      if (segment.type === 'image') return segment;
      return { ...segment, text: rewritten(segment.text, content[i + 1]?.type === 'image', place) };
    });
  const thought = (think: string | undefined) => (think === undefined ? {} : { think: rewritten(think, false, place) });
  return {
    ...row,
    images: order.map((i) => row.images[i]!),
    prompt: row.prompt.map((message) => ({
      ...message,
      content: segments(message.content),
      ...thought(message.think),
    })),
    answer: segments(row.answer),
    solution: row.solution.map(moved),
    ...thought(row.think),
  };
}
