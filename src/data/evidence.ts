/**
 * What the boxes of one file that are written in one way show about their meaning: under every reading that is known,
 * how many would lie in their pictures and how likely the numbers are; and a sample of the boxes by picture size, for
 * how far they reach and for readings with parameters.
 *
 * The model behind the likelihoods is stated, not learned: a box has any size, and lies anywhere in its picture with
 * equal chance; one box in a thousand is a slip. So small boxes that fill 640 × 480 and never leave it are 3.3
 * times as likely pixels as thousandths, each box anew.
 */
import { Lru } from '../base/lru.ts';
import { Random } from '../base/random.ts';
import type { Size } from '../grounding/box.ts';
import type { Numbers } from '../grounding/convention.ts';
import { cornersOf } from '../grounding/numbers.ts';
import type { BoxLayout, Convention, CoordinateSpace, Resize, WayOfWriting } from './dataset-ref.ts';
import { FRAME_PAIRS, FrameRun } from './frame-run.ts';
import { isFractions } from './fractions.ts';
import { OrderVotes } from './order-votes.ts';
import { extent, FIELD_RESIZES, LAYOUTS, needsPicture, SPACES, type PictureFacts } from './reading.ts';

/** Frames that are counted for all boxes: the spaces, and pixels after each resize of the field. */
const FRAMES = SPACES.flatMap((space): { readonly space: CoordinateSpace; readonly resize?: Resize }[] =>
  space === 'model' ? FIELD_RESIZES.map((resize) => ({ space, resize })) : [{ space }],
);
const NATURAL = FRAMES.findIndex(({ space }) => space === 'natural');

/** All readings that are counted; those of a frame stand together. */
export const READINGS: readonly Convention[] = FRAMES.flatMap((frame) =>
  LAYOUTS.map((layout) => ({ ...frame, layout })),
);

/** How far a number may overshoot by rounding, in a space's own unit. */
const SLACK: Readonly<Record<CoordinateSpace, number>> = {
  fraction: 0.005,
  percent: 0.5,
  thousand: 0.5,
  natural: 1,
  stored: 1,
  listed: 1,
  model: 1,
};

const SLACKS = FRAMES.map(({ space }) => SLACK[space]);

/** Log density of a slip: one box in a thousand, its four numbers anywhere up to some thousands. */
const SLIP = Math.log(1e-3) - 4 * Math.log(4000);
/** Frames that differ by less move no box by more than can be seen. */
const SAME_FRAME = 0.03;
/** Boxes kept of each class of picture sizes, of which there are two to a doubling of the area. */
const KEPT = 256;

export interface Score {
  /** Boxes for which the frame is known. */
  readonly seen: number;
  readonly inside: number;
  /** Log of the density of the numbers, up to a constant that all readings share. */
  readonly likelihood: number;
}

export interface Sampled {
  readonly numbers: Numbers;
  readonly picture: PictureFacts;
}

/** Whether four numbers are a box inside a frame, and the log of their density there. */
function scoreOf(
  numbers: Numbers,
  layout: BoxLayout,
  slack: number,
  { width, height }: Size,
): Readonly<[boolean, number]> {
  const [x1, y1, x2, y2] = cornersOf(numbers, layout);
  if (!(x1 < x2 && y1 < y2 && x1 >= -slack && y1 >= -slack && x2 <= width + slack && y2 <= height + slack))
    return [false, SLIP];
  // All sizes are alike likely on a logarithmic scale; with its size, a box may lie anywhere that the size leaves.
  const room = (side: number, box: number) => Math.max(side / 1000, box) * Math.max(side / 100, side - box);
  return [true, -Math.log(room(width, x2 - x1) * room(height, y2 - y1))];
}

export class Evidence {
  readonly way: WayOfWriting;
  /** What the format says of these boxes; null where nothing is declared. */
  readonly declared: Convention | null;
  readonly order = new OrderVotes();
  #boxes = 0;
  #tokens = 0;
  #measured = 0;
  #turned = 0;
  #listed = 0;
  #fractions = 0;
  readonly #runs = FRAME_PAIRS.flatMap((pair) => LAYOUTS.map((layout) => new FrameRun(pair, layout)));
  readonly #seen = new Float64Array(FRAMES.length);
  readonly #differs = new Float64Array(FRAMES.length);
  readonly #inside = new Float64Array(READINGS.length);
  readonly #likelihood = new Float64Array(READINGS.length);
  readonly #classes = new Map<number, { seen: number; kept: Sampled[] }>();
  readonly #random = new Random(1);
  readonly #frames = new Lru<string, readonly (Size | null)[]>(256);

  constructor(way: WayOfWriting, declared: Convention | null = null) {
    this.way = way;
    this.declared = declared;
  }

  get boxes(): number {
    return this.#boxes;
  }

  /** Boxes whose picture could be measured. */
  get measured(): number {
    return this.#measured;
  }

  /** Share of the boxes between `<|box_start|>` tokens. */
  get tokens(): number {
    return this.#tokens / Math.max(1, this.#boxes);
  }

  /** Boxes in pictures that EXIF turns; in pictures for which the rows give a size. */
  get turned(): number {
    return this.#turned;
  }

  get listed(): number {
    return this.#listed;
  }

  /** Boxes whose numbers can only be fractions. */
  get fractions(): number {
    return this.#fractions;
  }

  /** The longest run of boxes in the smaller of two frames, with nothing beyond it; of boxes as they follow in the file. */
  run(whole: CoordinateSpace, part: CoordinateSpace, layout: BoxLayout): FrameRun | undefined {
    return this.#runs.find((run) => run.isOf(whole, part, layout));
  }

  /** `picture`: the one it most probably lies in; null if unknown. */
  add(numbers: Numbers, tokens: boolean, picture: PictureFacts | null): void {
    // Without an area in any layout, it is a slip that says nothing of the space.
    if (numbers[2] <= 0 || numbers[3] <= 0) return;
    this.#boxes++;
    if (tokens) this.#tokens++;
    if (isFractions(numbers)) this.#fractions++;
    else for (const run of this.#runs) run.add(numbers, picture);
    if (picture) {
      this.#measured++;
      if (picture.orientation > 1) this.#turned++;
      if (picture.listed) this.#listed++;
      this.#keep({ numbers, picture });
    }
    const wholes = this.#framesOf(picture);
    const natural = wholes[NATURAL];
    for (const [frame, whole] of wholes.entries()) {
      if (!whole) continue;
      this.#seen[frame]!++;
      if (natural && differ(whole, natural)) this.#differs[frame]!++;
      for (let layout = 0; layout < LAYOUTS.length; layout++) {
        const at = frame * LAYOUTS.length + layout;
        const [inside, likelihood] = scoreOf(numbers, LAYOUTS[layout]!, SLACKS[frame]!, whole);
        if (inside) this.#inside[at]!++;
        this.#likelihood[at]! += likelihood;
      }
    }
  }

  /** A dataset has many boxes and few sizes. */
  #framesOf(picture: PictureFacts | null): readonly (Size | null)[] {
    const key = picture ? frameKey(picture) : '';
    let frames = this.#frames.get(key);
    if (!frames) this.#frames.set(key, (frames = FRAMES.map((frame) => extent(frame, picture))));
    return frames;
  }

  #keep(box: Sampled): void {
    const { width, height } = box.picture.shown;
    const key = Math.floor(2 * Math.log2(Math.max(1, width * height)));
    let mine = this.#classes.get(key);
    if (!mine) this.#classes.set(key, (mine = { seen: 0, kept: [] }));
    mine.seen++;
    if (mine.kept.length < KEPT) mine.kept.push(box);
    else {
      const place = this.#random.below(mine.seen);
      if (place < KEPT) mine.kept[place] = box;
    }
  }

  /** Of `READINGS[at]`. */
  score(at: number): Score {
    const seen = this.#seen[Math.floor(at / LAYOUTS.length)]!;
    return { seen, inside: this.#inside[at]!, likelihood: this.#likelihood[at]! };
  }

  /** Of any reading, over the boxes that were kept, as if they were all. */
  estimate(reading: Convention): Score {
    let seen = 0;
    let inside = 0;
    let likelihood = 0;
    for (const { numbers, picture } of this.sample) {
      const whole = extent(reading, picture);
      if (!whole) continue;
      const [within, density] = scoreOf(numbers, reading.layout, SLACK[reading.space], whole);
      seen++;
      if (within) inside++;
      likelihood += density;
    }
    const scale = seen && this.#measured / seen;
    return { seen: seen * scale, inside: inside * scale, likelihood: likelihood * scale };
  }

  /** Whether a reading's frames are those of the picture files, as far as it can be seen. */
  likeNatural(at: number): boolean {
    const frame = Math.floor(at / LAYOUTS.length);
    return (
      this.#seen[frame]! > 0 && needsPicture(FRAMES[frame]!.space) && this.#differs[frame]! <= 0.02 * this.#seen[frame]!
    );
  }

  /** Boxes that were kept, those of the largest pictures first, by class of size. Copies of a box count once. */
  get classes(): readonly (readonly Sampled[])[] {
    return [...this.#classes]
      .sort((a, b) => b[0] - a[0])
      .map(([, { kept }]) => [...new Map(kept.map((box) => [boxKey(box), box])).values()]);
  }

  get sample(): readonly Sampled[] {
    return [...this.#classes.values()].flatMap(({ kept }) => kept);
  }
}

const frameKey = ({ shown, orientation, listed }: PictureFacts): string =>
  `${shown.width} ${shown.height} ${orientation} ${listed ? `${listed.width} ${listed.height}` : ''}`;

const boxKey = ({ numbers, picture: { shown } }: Sampled): string =>
  `${shown.width} ${shown.height} ${numbers.join(' ')}`;

const differ = (a: Size, b: Size): boolean =>
  Math.abs(a.width / b.width - 1) > SAME_FRAME || Math.abs(a.height / b.height - 1) > SAME_FRAME;
