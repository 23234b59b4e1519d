/**
 * One file whose boxes are measured in two spaces, as files that were put together from several sources are. No single
 * reading is right for it, and the one that fits best reads the other boxes wrong without a sign.
 */
import { count } from '../base/counts.ts';
import type { Size } from '../grounding/box.ts';
import type { Numbers } from '../grounding/convention.ts';
import { cornersOf } from '../grounding/numbers.ts';
import type { BoxLayout, Convention, CoordinateSpace } from './dataset-ref.ts';
import type { Evidence, Sampled } from './evidence.ts';
import { isFractions } from './fractions.ts';
import { chanceInside, isInside, isPart } from './frame-run.ts';
import { extent, SPACE_WORDS } from './reading.ts';

/** Of two spaces: boxes of which one is certain, or most probable. */
interface Mixture {
  readonly one: CoordinateSpace;
  readonly other: CoordinateSpace;
  readonly ones: number;
  readonly others: number;
  readonly boxes: number;
}

/** Boxes, and their share, below which a few slips are all that there is. */
const FEWEST = 3;
const LEAST_SHARE = 0.02;
/** How much more boxes lie in the smaller frame than chance would have it: in standard deviations, and of all. */
const SURPRISING = 4;
const EXCESS = 0.15;
/** Log of the chance of a run that no order of rows explains. */
const IMPOSSIBLE = Math.log(1e-9);
/** The smaller frame is reached so far on both axes. */
const REACHED = 0.9;
/** Strips on either side of a frame's edge, as a share of it: where the frame is one, boxes end in it and not beyond. */
const STRIP = 0.15;
/** Of fewer boxes an edge shows less: how many lie in the frame counts with it. Those at the upper left are asked about more often. */
const FEW = 120;
/** How many end beyond, against those that would if their number went on as it does before the edge. */
const DROP = 0.6;

interface Framed {
  readonly corners: Numbers;
  readonly whole: Size;
  readonly part: Size;
}

function framed(sample: readonly Sampled[], layout: BoxLayout, whole: Convention, part: CoordinateSpace): Framed[] {
  return sample.flatMap(({ numbers, picture }): Framed[] => {
    const [wide, narrow] = [extent(whole, picture), extent({ space: part }, picture)];
    return wide && narrow && !isFractions(numbers)
      ? [{ corners: cornersOf(numbers, layout), whole: wide, part: narrow }]
      : [];
  });
}

const enough = (count: number, of: number): boolean => count >= FEWEST && count > LEAST_SHARE * of;

/** Neither space holds all boxes, and together they do. */
function exclusive(boxes: readonly Framed[], one: CoordinateSpace, other: CoordinateSpace): Mixture | null {
  let [ones, others, neither] = [0, 0, 0];
  for (const { corners, whole, part } of boxes) {
    const [inOne, inOther] = [isInside(corners, whole), isInside(corners, part)];
    if (inOne && !inOther) ones++;
    else if (inOther && !inOne) others++;
    else if (!inOne && !inOther) neither++;
  }
  return enough(ones, boxes.length) && enough(others, boxes.length) && neither <= (LEAST_SHARE / 2) * boxes.length
    ? { one, other, ones, others, boxes: boxes.length }
    : null;
}

/** All lie in one space, and more in the other's smaller frame, up to its very edge, than chance would have it. */
function crowded(boxes: readonly Framed[], one: CoordinateSpace, other: CoordinateSpace): Mixture | null {
  const judged = boxes.filter(({ whole, part }) => isPart(part, whole));
  let [inside, expected, variance, reachX, reachY] = [0, 0, 0, 0, 0];
  let [earlier, before, after] = [0, 0, 0];
  for (const { corners, whole, part } of judged) {
    const [, , x2, y2] = corners;
    const chance = chanceInside(corners, whole, part);
    expected += chance;
    variance += chance * (1 - chance);
    const [right, low] = [x2 / part.width, y2 / part.height];
    if (isInside(corners, part)) {
      inside++;
      reachX = Math.max(reachX, right);
      reachY = Math.max(reachY, low);
    }
    for (const [end, beside, size, of] of [
      [right, low, whole.width, part.width],
      [low, right, whole.height, part.height],
    ] as const) {
      // Where both frames end together, nothing can lie beyond.
      if (beside > 1 || of * (1 + STRIP) > size) continue;
      if (end > 1 - 2 * STRIP && end <= 1 - STRIP) earlier++;
      else if (end > 1 - STRIP && end <= 1) before++;
      else if (end > 1 && end <= 1 + STRIP) after++;
    }
  }
  const excess = inside - expected;
  const deviations = excess / Math.sqrt(variance);
  const edge = (before - after) / Math.sqrt(before + after);
  const reach = Math.min(reachX, reachY);
  // How many would end beyond if their number went on as before the edge.
  const going = Math.min(before, before ** 2 / Math.max(1, earlier));
  const many = excess > EXCESS * judged.length && reach > REACHED && edge > 2.5 && after < DROP * going;
  const few =
    judged.length < FEW &&
    excess > (EXCESS / 2) * judged.length &&
    reach > REACHED - 0.02 &&
    edge > 1.2 &&
    edge + deviations / 3 > SURPRISING &&
    after < (DROP + 0.1) * going;
  return enough(judged.length - inside, judged.length) && deviations > SURPRISING && (many || few)
    ? { one, other, ones: judged.length - inside, others: inside, boxes: judged.length }
    : null;
}

/** Boxes of one space stand behind those of the other, in a run that is too long for chance. */
function behind(evidence: Evidence, { space, layout }: Convention, other: CoordinateSpace): Mixture | null {
  const run = evidence.run(space, other, layout);
  if (!run || run.best.chance > IMPOSSIBLE || !enough(run.judged - run.best.boxes, run.judged)) return null;
  const others = run.best.boxes;
  // Where boxes lie at the upper left all over the file, a run of them is no wonder.
  const elsewhere = (run.inside - others) / (run.judged - others);
  if (others * Math.log(Math.max(elsewhere, 1e-3)) > IMPOSSIBLE) return null;
  return { one: space, other, ones: evidence.boxes - others, others, boxes: evidence.boxes };
}

/** `fits`: the share of the boxes that the best reading puts into their pictures. */
export function mixtureOf(evidence: Evidence, best: Convention, fits: number): string | null {
  const { boxes, fractions } = evidence;
  if (best.space !== 'fraction' && fractions >= 2)
    return worded({ one: best.space, other: 'fraction', ones: boxes - fractions, others: fractions, boxes });
  if (best.space === 'fraction' && enough(boxes - fractions, boxes) && fits < 1 - LEAST_SHARE)
    return worded({ one: 'fraction', other: 'natural', ones: fractions, others: boxes - fractions, boxes });
  const { sample } = evidence;
  for (const other of ['thousand', 'natural', 'percent'] as const) {
    if (other === best.space || best.space === 'fraction') continue;
    const both = framed(sample, best.layout, best, other);
    const found =
      fits < 1 - LEAST_SHARE
        ? exclusive(both, best.space, other)
        : (behind(evidence, best, other) ?? crowded(both, best.space, other));
    if (found) return worded(found);
  }
  return null;
}

function worded({ one, other, ones, others, boxes }: Mixture): string {
  const what = (space: CoordinateSpace) => (space === 'natural' ? 'pixels' : SPACE_WORDS[space]);
  return `the file seems to mix two: of ${count(boxes)} boxes ${count(others)} look like ${what(other)} and ${count(ones)} like ${what(one)}. Write each kind into a file of its own: one reading holds for a whole file`;
}
