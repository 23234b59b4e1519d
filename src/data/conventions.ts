/**
 * In which convention does a file write its boxes? Files do not say, so all boxes of a file that are written in one way
 * are held against every reading (evidence.ts). A reading is taken as certain only if no other is left that would move
 * the boxes; what the numbers leave open is asked, with the best guess, and settled by the user before training.
 */
import { cornersOf } from '../grounding/numbers.ts';
import type { BoxLayout, Convention, CoordinateSpace, Resize, WayOfWriting } from './dataset-ref.ts';
import { READINGS, type Evidence, type Sampled, type Score } from './evidence.ts';
import { mixtureOf } from './mixture.ts';
import { orderShown } from './order-votes.ts';
import { conventionKey, extent, FIELD_RESIZES, LAYOUTS } from './reading.ts';

export interface Candidate extends Convention {
  /** Share of the boxes that would lie inside their pictures; null if no picture could be measured. */
  readonly fits: number | null;
}

export interface Decision extends Convention {
  readonly way: WayOfWriting;
  readonly boxes: number;
  /** Why, as the end of a sentence that begins with “because”. */
  readonly reason: string;
  /** The numbers alone do not decide it. */
  readonly ambiguous: boolean;
  /** Numbers of two corners may as well have y first: nothing in the file shows which comes first. */
  readonly orderAssumed?: true;
  /** The user said so. */
  readonly settled?: true;
  readonly candidates: readonly Candidate[];
}

/** Share of boxes above which a reading that leaves them outside cannot be the right one. */
const TELLING = 0.02;
/** A reading that leaves so much larger a share outside is no rival, however dense it would have the others. */
const EXCLUDING = 0.1;
/** Log odds against all other readings together from which one is certain. */
const CERTAIN = Math.log(1e4);
/** With fewer different boxes a coincidence is never far: it is asked. Twice as many where another reading keeps them all. */
const FEW = 10;
/** A picture is reached if a box comes so near to its right or lower edge; what is left would move no box visibly. */
const REACHED = 0.97;
/** Chance that as many boxes, anywhere in their pictures, stay as far from the edges: below it, it is asked. */
const SURPRISING = 0.05;
/** The same where the file's form says what the numbers are. */
const SURPRISING_IF_DECLARED = 1e-4;
/** Groups of pictures smaller than this are not judged by themselves. */
const GROUP = 5;

/** Log odds of readings before any number is seen: what the field writes, and how often. */
const SPACE_PRIOR: Readonly<Record<CoordinateSpace, number>> = {
  natural: 0,
  thousand: 0,
  fraction: 0,
  listed: Math.log(3),
  stored: Math.log(0.1),
  model: Math.log(0.02),
  percent: Math.log(0.01),
};
const LAYOUT_PRIOR: Readonly<Record<BoxLayout, number>> = {
  xyxy: 0,
  xywh: Math.log(0.01),
  cxcywh: Math.log(0.001),
  // Of square frames, numbers cannot tell it from x first: it must not make a question of every file.
  yxyx: Math.log(1e-6),
};
/** Qwen2-VL wrote thousandths so; its users write pixels so as well. */
const PAIRS_PRIOR = Math.log(100);
const TOKENS_PRIOR = Math.log(300);
/** Resizes that are proposed before the others of the field. */
const FIRST_RESIZES = 4;
/** A declaration is believed unless the numbers speak against it. */
const DECLARED_PRIOR = Math.log(1e9);
/** A reading with a parameter that is fitted to these very boxes. */
const FITTED_PRIOR = Math.log(0.005);

/** A reading with what the boxes say about it. */
interface Weighed {
  readonly reading: Convention;
  readonly fits: number;
  readonly weight: number;
  /** Its frames are those of the picture files, as far as it can be seen. */
  readonly likeNatural: boolean;
}

const layoutsOf = (way: WayOfWriting): readonly BoxLayout[] => (way === 'pairs' ? ['xyxy'] : LAYOUTS);

const sameReading = (a: Convention, b: Convention): boolean => conventionKey(a) === conventionKey(b);

function prior(reading: Convention, { way, declared, tokens }: Evidence): number {
  const { space, layout } = reading;
  // Boxes belong to the sizes that stand beside them, if those are not the pictures' own.
  if (declared && space === 'listed' && declared.space === 'natural' && layout === declared.layout)
    return DECLARED_PRIOR + SPACE_PRIOR.listed;
  if (declared && sameReading(reading, declared)) return DECLARED_PRIOR;
  const habit = space === 'thousand' ? (tokens >= 0.5 ? TOKENS_PRIOR : way === 'pairs' ? PAIRS_PRIOR : 0) : 0;
  // What declares a layout is rarely wrong about it.
  const usual = declared
    ? layout === declared.layout
      ? 0
      : Math.min(LAYOUT_PRIOR.cxcywh, LAYOUT_PRIOR[layout])
    : LAYOUT_PRIOR[layout];
  const rare = isRare(reading);
  return SPACE_PRIOR[space] + (rare ? Math.log(0.1) : 0) + usual + habit;
}

const weighed = (
  reading: Convention,
  score: Score,
  evidence: Evidence,
  likeNatural: boolean,
  before: number,
): Weighed => ({
  reading,
  fits: score.inside / score.seen,
  // Where some pictures could not be measured, the others speak for them.
  weight: before + (score.likelihood * evidence.boxes) / score.seen,
  likeNatural,
});

/** Of all readings that can be judged at all. */
function weighAll(evidence: Evidence): Weighed[] {
  const layouts = layoutsOf(evidence.way);
  return READINGS.flatMap((reading, at): Weighed[] => {
    const score = evidence.score(at);
    if (score.seen < evidence.boxes / 2 || score.seen === 0 || !layouts.includes(reading.layout)) return [];
    if (reading.space === 'stored' && evidence.turned === 0) return [];
    return [weighed(reading, score, evidence, evidence.likeNatural(at), prior(reading, evidence))];
  });
}

/** Nearly as many boxes inside as `most` of them; one may be wrong where the file's form says what the numbers are. */
const fitsLike = ({ reading, fits }: Weighed, most: number, { declared, boxes }: Evidence): boolean =>
  fits >= most - Math.max(TELLING, declared?.space === reading.space ? 1.001 / boxes : 0);

/** Boxes that are no copies of each other, as far as they were kept. */
const different = ({ classes }: Evidence): number => classes.reduce((sum, { length }) => sum + length, 0);

const heaviest = (all: readonly Weighed[]): Weighed =>
  all.reduce((best, each) => (each.weight > best.weight ? each : best));

/**
 * Whether boxes of a resized copy reach its right and its lower edge alike, as far as their number lets it be seen. Boxes
 * that stop short in their own way, as those of objects do, say nothing of a resize; a limit could be fitted to any.
 */
function reachesAlike(evidence: Evidence, reading: Convention): boolean {
  let [across, down] = [0, 0];
  for (const { numbers, picture } of evidence.sample) {
    const whole = extent(reading, picture);
    if (!whole) continue;
    const [, , x2, y2] = cornersOf(numbers, reading.layout);
    [across, down] = [Math.max(across, x2 / whole.width), Math.max(down, y2 / whole.height)];
  }
  return Math.min(across, down) >= Math.max(across, down) * (1 - 1 / Math.max(2, different(evidence)));
}

/** A resize that few write boxes after, or one that is fitted to them. */
const isRare = ({ space, resize }: Convention): boolean => {
  const at = FIELD_RESIZES.findIndex((each) => each === resize);
  return space === 'model' && (at < 0 || at >= FIRST_RESIZES);
};

/** The heaviest of those that fit at all; of several that are as good as the picture files, the files, if no box is lost. */
function bestOf(all: readonly Weighed[], evidence: Evidence): Weighed {
  const most = Math.max(...all.map(({ fits }) => fits));
  const fitting = all.filter((each) => fitsLike(each, most, evidence));
  // A resize needs more than a few boxes to be worth a guess.
  const plain = fitting.filter(({ reading }) => reading.space !== 'model');
  const inFiles = fitting.some(({ reading }) => reading.space === 'natural');
  const likely = fitting.filter(({ reading }) => !inFiles || !isRare(reading) || reachesAlike(evidence, reading));
  const best = heaviest(plain.length && different(evidence) < FEW ? plain : likely);
  if (!best.likeNatural) return best;
  const alike = all.filter((each) => each.likeNatural && each.reading.layout === best.reading.layout);
  const kept = Math.max(...alike.map(({ fits }) => fits));
  const keeping = alike.filter(({ fits }) => fits === kept);
  return keeping.find(({ reading }) => reading.space === 'natural') ?? heaviest(keeping);
}

/** Log odds of a reading against all that would move the boxes. */
function odds(best: Weighed, all: readonly Weighed[]): number {
  const others = all.filter(
    (each) =>
      each !== best &&
      each.fits >= best.fits - EXCLUDING &&
      !(best.likeNatural && each.likeNatural && each.reading.layout === best.reading.layout),
  );
  const most = Math.max(...others.map(({ weight }) => weight), -Infinity);
  if (most === -Infinity) return Infinity;
  return best.weight - most - Math.log(others.reduce((sum, { weight }) => sum + Math.exp(weight - most), 0));
}

interface Reach {
  /** Chance that so many boxes anywhere in their pictures go no farther. */
  readonly chance: number;
  readonly boxes: number;
  /** How far they go, as a share of width or height. */
  readonly reach: number;
  /** Whether these are the larger pictures alone. */
  readonly larger: boolean;
}

/**
 * How far the boxes of a group go to the right and down, and the chance that they would go no farther if each, with
 * the size it has, lay anywhere in its picture: the product over boxes and axes of (r − w) / (1 − w).
 */
function reachOf(boxes: readonly Sampled[], reading: Convention, larger: boolean): Reach {
  const ends: { end: number; size: number }[] = [];
  for (const { numbers, picture } of boxes) {
    const whole = extent(reading, picture);
    if (!whole) continue;
    const [x1, y1, x2, y2] = cornersOf(numbers, reading.layout);
    ends.push({ end: x2 / whole.width, size: (x2 - x1) / whole.width });
    ends.push({ end: y2 / whole.height, size: (y2 - y1) / whole.height });
  }
  const within = ends.filter(({ end, size }) => end <= 1.05 && size > 0 && size < 1);
  const reach = within.reduce((most, { end }) => Math.max(most, end), 0);
  const chance = within.reduce((sum, { size }) => sum + Math.log((reach - size) / (1 - size) || 1e-9), 0);
  return { chance: reach >= REACHED ? 1 : Math.exp(chance), boxes: within.length / 2, reach, larger };
}

/**
 * The most surprising of: all boxes, and those of the larger pictures alone, from every size on. A limit on pixels
 * shrinks the large pictures and leaves the small ones, which must not hide it.
 */
function shortReach(evidence: Evidence, reading: Convention, ownWord: boolean): Reach | null {
  const groups: Reach[] = [];
  const largest: Sampled[] = [];
  const { classes } = evidence;
  for (const [i, boxes] of classes.entries()) {
    largest.push(...boxes);
    const last = i === classes.length - 1;
    if (largest.length >= (ownWord ? FEW : last ? 1 : GROUP)) groups.push(reachOf(largest, reading, !last));
  }
  const found = groups.reduce<Reach | null>((low, each) => (!low || each.chance < low.chance ? each : low), null);
  const surprising = ownWord ? SURPRISING_IF_DECLARED : SURPRISING;
  return found && found.chance < surprising / groups.length ? found : null;
}

/** Sizes to which whole datasets are scaled. */
const SQUARES = [224, 256, 336, 384, 448, 512, 640, 672, 768, 800, 896, 1024, 1280, 1536];

/** The smallest limit on pixels under which nearly all boxes fit, and a little more: boxes rarely touch the edge. */
function fittedBudget(evidence: Evidence, layout: BoxLayout): Resize | null {
  const sample = evidence.sample;
  const budget = (maxPixels: number): Resize => ({ kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels });
  const fits = (maxPixels: number) =>
    evidence.estimate({ space: 'model', layout, resize: budget(maxPixels) }).inside >=
    (1 - TELLING / 2) * evidence.measured;
  const largest = sample.reduce((most, { picture: { shown } }) => Math.max(most, shown.width * shown.height), 0);
  let [low, high] = [28 * 28, largest];
  if (!sample.length || !fits(high)) return null;
  while (high / low > 1.01) {
    const middle = Math.sqrt(low * high);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  // The largest of n numbers lies about 1/n short of the end that they are drawn from; a box has two.
  const beyond = (1 + 1 / (2 * Math.max(1, sample.length))) ** 2;
  return budget(Math.min(largest, Math.ceil((high * beyond) / 784) * 784));
}

/** One size for all pictures, where the numbers end near one that is usual. */
function fittedSize(evidence: Evidence, layout: BoxLayout): Resize | null {
  let [x, y] = [0, 0];
  for (const { numbers } of evidence.sample) {
    const [, , x2, y2] = cornersOf(numbers, layout);
    [x, y] = [Math.max(x, x2), Math.max(y, y2)];
  }
  const side = SQUARES.find((each) => each + 1 >= Math.max(x, y));
  return side !== undefined && x > 0.9 * side && y > 0.9 * side ? { kind: 'size', width: side, height: side } : null;
}

/** Readings whose parameters are fitted, unless a resize of the field explains the boxes as well. */
function fitted(evidence: Evidence, layout: BoxLayout, all: readonly Weighed[]): Weighed[] {
  return [fittedBudget(evidence, layout), fittedSize(evidence, layout)].flatMap((resize): Weighed[] => {
    if (!resize) return [];
    const reading: Convention = { space: 'model', layout, resize };
    if (all.some((each) => sameReading(each.reading, reading))) return [];
    const score = evidence.estimate(reading);
    return score.seen ? [weighed(reading, score, evidence, false, FITTED_PRIOR + SPACE_PRIOR.model)] : [];
  });
}

const percent = (x: number): string => `${Math.floor(100 * x)} %`;

/** What keeps a reading from being certain, and why it is taken all the same. */
function doubt(best: Weighed, all: readonly Weighed[], evidence: Evidence): string | null {
  const { space } = best.reading;
  const { declared, boxes } = evidence;
  const ownWord = declared !== null && sameReading(best.reading, declared);
  const rival = (of: Convention['space']) =>
    all.find(
      ({ reading, fits }) =>
        reading.space === of && reading.layout === best.reading.layout && fits >= best.fits - TELLING,
    );
  if (evidence.measured === 0 && space !== 'fraction') return 'no picture could be measured';
  if (!fitsLike(best, 1, evidence))
    return `this reading fits best, but ${percent(1 - best.fits)} of ${boxes} would still lie outside their pictures`;
  if (declared && !ownWord) {
    if (space !== 'listed') return 'the file’s format gives its numbers another meaning, and they do not fit it';
    if (rival('natural')) return 'the file states other sizes than its pictures have, and the numbers fit both';
  }
  const listed = ownWord ? rival('listed') : undefined;
  if (listed && !listed.likeNatural)
    return 'the file states other sizes than its pictures have, and the numbers fit both';
  if (evidence.tokens >= 0.5 && space !== 'thousand')
    return 'box tokens usually hold thousandths, but these numbers do not look like thousandths';
  if (space === 'model')
    return best.likeNatural
      ? 'some leave the picture files a little, and all fit the pictures after a resize'
      : 'they fit the pictures after a resize, but the numbers do not show its limit';
  const boxesSeen = different(evidence);
  const few = rival(space === 'thousand' ? 'natural' : 'thousand') ? 2 * FEW : FEW;
  if (declared === null && space !== 'fraction' && boxesSeen < few)
    return `${boxesSeen === 1 ? 'one box is' : `${boxesSeen} different boxes are`} too few to decide`;
  if (space !== 'listed' && odds(best, all) < CERTAIN) {
    const layouts = all.some(
      (each) =>
        each.weight > best.weight - CERTAIN &&
        each.reading.space === space &&
        each.reading.layout !== best.reading.layout,
    );
    return layouts ? 'the numbers fit more than one layout' : 'the numbers fit more than one reading';
  }
  const short = space === 'fraction' ? null : shortReach(evidence, best.reading, ownWord);
  if (short)
    return `${Math.round(short.boxes)} boxes${short.larger ? ' of the larger pictures' : ''} go no farther than ${percent(short.reach)} of the width and height, where boxes placed by chance would: they may be pixels of smaller copies`;
  return null;
}

function certainty({ reading }: Weighed, evidence: Evidence): string {
  if (evidence.declared && sameReading(reading, evidence.declared))
    return 'the file’s format says so, and the numbers fit';
  if (reading.space === 'listed')
    return 'the file states other sizes than its pictures have, and the numbers fit those';
  if (reading.space === 'fraction')
    return reading.layout === 'xyxy'
      ? 'nearly no number is above 1'
      : 'nearly no number is above 1, and only this reading puts them inside their pictures';
  return 'they fit this reading, and no other explains the numbers as well';
}

/** Readings that are listed with their share; any resize may be tried. */
const offered = ({ space, resize }: Convention): boolean =>
  space !== 'model' || FIELD_RESIZES.findIndex((each) => each === resize) < FIRST_RESIZES;

/** The same two corners with y first, where no box shows that they are not. */
function yFirst({ reading, fits }: Weighed, all: readonly Weighed[], { way }: Evidence): Weighed | null {
  if (way !== 'list' || reading.layout !== 'xyxy') return null;
  const wanted = conventionKey({ ...reading, layout: 'yxyx' });
  return all.find((each) => conventionKey(each.reading) === wanted && each.fits >= fits) ?? null;
}

/** What the numbers show. */
export function decide(evidence: Evidence): Decision {
  let all = weighAll(evidence);
  if (!all.length)
    return {
      way: evidence.way,
      boxes: evidence.boxes,
      space: 'thousand',
      layout: 'xyxy',
      reason: 'no picture could be measured',
      ambiguous: true,
      candidates: [],
    };
  let best = bestOf(all, evidence);
  let why = doubt(best, all, evidence);
  let limits: readonly Weighed[] = [];
  // A limit that is fitted to the boxes is looked for only where there is a doubt: it always finds one.
  if (why !== null && evidence.measured > 0) {
    limits = fitted(evidence, best.reading.layout, all);
    all = [...all, ...limits];
    const again = bestOf(all, evidence);
    if (again !== best) {
      best = again;
      why = doubt(best, all, evidence) ?? why;
    }
  }
  const turned = yFirst(best, all, evidence);
  if (turned && orderShown(evidence.order.of(best.reading.space)) === 'y') {
    const { xFirst, yFirst: votes } = evidence.order.of(best.reading.space);
    best = turned;
    why = `of ${xFirst + votes} boxes whose question names a side, such as left or right, ${votes} lie on it only if y comes first`;
  }
  why = mixtureOf(evidence, best.reading, best.fits) ?? why;
  const orderAssumed = why === null && turned !== null && orderShown(evidence.order.of(best.reading.space)) === null;
  return {
    way: evidence.way,
    boxes: evidence.boxes,
    ...best.reading,
    reason: why ?? `${certainty(best, evidence)}${orderAssumed ? ', if x comes first' : ''}`,
    ambiguous: why !== null,
    ...(orderAssumed && { orderAssumed }),
    candidates: all
      .filter((each) => each === best || limits.includes(each) || offered(each.reading))
      .map(({ reading, fits }) => ({ ...reading, fits })),
  };
}
