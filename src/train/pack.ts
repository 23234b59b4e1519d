/**
 * Packs prompts and their completions into one sequence. A group is [prompt | c₁ | … | c_G]: every completion sees the
 * prompt and itself, positions continue from the prompt, and the prompt's last row predicts every completion's first
 * token. Exact (Prefix Grouper, arXiv 2506.05433) and up to G times less work than G copies. SFT is the case G = 1.
 *
 * A completion's last token predicts nothing, so it is not an input: completion i takes length − 1 rows.
 */
export interface EncodedPrompt {
  readonly id: string;
  readonly tokens: Uint32Array;
  /** Rotary positions [axes, T]. */
  readonly axes: Int32Array;
  /** Position of the first completion token, on all axes. */
  readonly next: number;
  /** i32 [T]: the prompt's own feature row at image tokens, else −1. */
  readonly featureIndex: Int32Array;
  readonly featureRows: number;
}

export interface PackedGroup {
  readonly prompt: EncodedPrompt;
  /** Token ids of each completion, end-of-turn included where it was reached. None is empty; no completions at all is a prefill. */
  readonly completions: readonly Uint32Array[];
  /** u8 [T]: tokens of the prompt that are scored as well, 1 each: earlier answers in supervised training. */
  readonly learnt?: Uint8Array;
}

/** Where one scored token sits. */
export interface Entry {
  readonly group: number;
  /** −1: the prompt itself. */
  readonly completion: number;
  readonly index: number;
}

export interface Packed {
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** [axes, T] */
  readonly axes: Int32Array;
  readonly featureIndex: Int32Array<ArrayBuffer>;
  readonly ranges: Uint32Array<ArrayBuffer>;
  readonly keyRanges: Uint32Array<ArrayBuffer>;
  readonly rows: Int32Array<ArrayBuffer>;
  /** What `ranges` and `keyRanges` say, of these rows alone. */
  readonly rowRanges: Uint32Array<ArrayBuffer>;
  readonly rowsOfKeys: Uint32Array<ArrayBuffer>;
  readonly start: Uint32Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  /** Scored tokens in the order of `targets`. */
  readonly entries: readonly Entry[];
  /** Rows in use, before padding. */
  readonly length: number;
  readonly featureRows: number;
  readonly sizes: PackedSizes;
}

/** Padded sizes: tokens, feature rows, scored rows, targets. Programs are shared between batches of equal sizes. */
export interface PackedSizes {
  readonly T: number;
  readonly F: number;
  readonly U: number;
  readonly S: number;
}

/** Rows a group takes. */
export const groupRows = (group: PackedGroup): number =>
  group.prompt.tokens.length + group.completions.reduce((sum, c) => sum + c.length - 1, 0);

/** Padding trades a little work for few programs. */
const roundUp = (n: number, step: number) => Math.max(step, Math.ceil(n / step) * step);

export function pack(groups: readonly PackedGroup[], { step = 64 } = {}): Packed {
  const length = groups.reduce((sum, g) => sum + groupRows(g), 0);
  const features = groups.reduce((sum, g) => sum + g.prompt.featureRows, 0);
  const axisCount = groups.length ? groups[0]!.prompt.axes.length / groups[0]!.prompt.tokens.length : 1;
  const T = roundUp(length, step);
  const axes = new Int32Array(axisCount * T);
  const tokens = new Uint32Array(T);
  const featureIndex = new Int32Array(T).fill(-1);
  const ranges = new Uint32Array(4 * T);
  const keyRanges = new Uint32Array(2 * T);
  const rows: number[] = [];
  const start: number[] = [];
  const targets: number[] = [];
  const entries: Entry[] = [];

  let row = 0;
  let featureBase = 0;
  groups.forEach(({ prompt, completions, learnt }, g) => {
    const base = row;
    const P = prompt.tokens.length;
    const end = base + groupRows(groups[g]!);
    for (let t = 0; t < P; t++, row++) {
      tokens[row] = prompt.tokens[t]!;
      for (let axis = 0; axis < axisCount; axis++) axes[axis * T + row] = prompt.axes[axis * P + t]!;
      if (prompt.featureIndex[t]! >= 0) featureIndex[row] = featureBase + prompt.featureIndex[t]!;
      ranges.set([0, 0, base, row + 1], 4 * row);
      keyRanges.set([row, end], 2 * row);
      if (!learnt?.[t + 1]) continue;
      rows.push(row);
      start.push(targets.length);
      targets.push(prompt.tokens[t + 1]!);
      entries.push({ group: g, completion: -1, index: t + 1 });
    }
    if (completions.length) {
      rows.push(row - 1);
      start.push(targets.length);
    }
    completions.forEach((completion, c) => {
      targets.push(completion[0]!);
      entries.push({ group: g, completion: c, index: 0 });
    });
    completions.forEach((completion, c) => {
      const segment = row;
      const segmentEnd = segment + completion.length - 1;
      for (let j = 0; j + 1 < completion.length; j++, row++) {
        tokens[row] = completion[j]!;
        for (let axis = 0; axis < axisCount; axis++) axes[axis * T + row] = prompt.next + j;
        ranges.set([base, base + P, segment, row + 1], 4 * row);
        keyRanges.set([row, segmentEnd], 2 * row);
        rows.push(row);
        start.push(targets.length);
        targets.push(completion[j + 1]!);
        entries.push({ group: g, completion: c, index: j + 1 });
      }
    });
    featureBase += prompt.featureRows;
  });
  const U = roundUp(rows.length, step);
  const S = roundUp(targets.length, step);
  const F = features === 0 ? 0 : roundUp(features, step);
  return {
    tokens,
    axes,
    featureIndex,
    ranges,
    keyRanges,
    rows: Int32Array.from({ length: U }, (_, i) => rows[i] ?? -1),
    rowRanges: rangesOf(ranges, rows, U),
    rowsOfKeys: keyRanges.map(placesAmong(rows, T)),
    start: Uint32Array.from({ length: U + 1 }, (_, i) => start[i] ?? targets.length),
    targets: Uint32Array.from({ length: S }, (_, i) => targets[i] ?? 0),
    entries,
    length,
    featureRows: features,
    sizes: { T, F, U, S },
  };
}

/**
 * The same sequence with other targets: of each scored row the tokens of its support.
 * @param support [rows in use, k] tokens, in the order of `rows`
 */
export function withSupport(packed: Packed, support: ArrayLike<number>, k: number, { step = 64 } = {}): Packed {
  const rows = scoredRows(packed);
  const U = packed.sizes.U;
  const S = roundUp(rows * k, step);
  const entries = new Array<Entry>(rows * k);
  for (let row = 0; row < rows; row++) entries.fill(packed.entries[packed.start[row]!]!, row * k, (row + 1) * k);
  return {
    ...packed,
    start: Uint32Array.from({ length: U + 1 }, (_, row) => Math.min(row, rows) * k),
    targets: Uint32Array.from({ length: S }, (_, i) => (i < rows * k ? support[i]! : 0)),
    entries,
    sizes: { ...packed.sizes, S },
  };
}

/** Scored rows in use, before padding. */
export const scoredRows = ({ rows }: Pick<Packed, 'rows'>): number => {
  const end = rows.indexOf(-1);
  return end < 0 ? rows.length : end;
};

/** The place among the scored rows of each entry. */
export function rowsOfEntries({ start, entries }: Pick<Packed, 'start' | 'entries'>): Uint32Array {
  const places = new Uint32Array(entries.length);
  for (let row = 0; row + 1 < start.length; row++) places.fill(row, start[row], start[row + 1]);
  return places;
}

/**
 * u32 [S, 4]: the scored tokens of each completion: its first, where the others start, how many in all, 0. The tokens that
 * pad make one more, so that every token is in one.
 */
export function completionSpans({
  entries,
  sizes: { S },
}: Pick<Packed, 'entries' | 'sizes'>): Uint32Array<ArrayBuffer> {
  const spans = new Uint32Array(4 * S);
  const places = new Map<string, number>();
  entries.forEach(({ group, completion, index }, s) => {
    const key = `${group} ${completion}`;
    const place = places.get(key) ?? places.size;
    places.set(key, place);
    if (index === 0) spans[4 * place] = s;
    if (index === 1) spans[4 * place + 1] = s;
    spans[4 * place + 2]!++;
  });
  if (entries.length < S) spans.set([entries.length, entries.length + 1, S - entries.length, 0], 4 * places.size);
  return spans;
}

/** u32 [size, 4]: the ranges of some rows; those that pad see nothing. */
export function rangesOf(ranges: Uint32Array, rows: ArrayLike<number>, size: number): Uint32Array<ArrayBuffer> {
  const own = new Uint32Array(4 * size);
  for (let i = 0; i < rows.length; i++) own.set(ranges.subarray(4 * rows[i]!, 4 * rows[i]! + 4), 4 * i);
  return own;
}

/** How many of ascending `rows` come before row t ≤ T: a bound of a range of rows as one of places among them. */
function placesAmong(rows: readonly number[], T: number): (t: number) => number {
  const before = new Uint32Array(T + 1);
  for (const row of rows) before[row + 1] = 1;
  for (let t = 0; t < T; t++) before[t + 1]! += before[t]!;
  return (t) => before[t]!;
}
