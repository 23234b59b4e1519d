/**
 * A contest: the same work done by us and by others, on the same adapter. Runs wherever both run (Node, a browser), so
 * nothing here imports either platform.
 */
export interface Side {
  /** Does the work once and waits until the device has done it. */
  once(): Promise<void>;
  /** What the work gives, to be compared with the other side's. */
  result(): Promise<Float32Array>;
  dispose(): void;
}

export interface Contest {
  readonly name: string;
  /** Work of one run, in billions of `unit` without its G. */
  readonly work: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  ours(): Promise<Side>;
  /** By name: a library, or another way of ours. */
  readonly rivals: Readonly<Record<string, () => Promise<Side>>>;
}

export interface Limits {
  readonly rounds: number;
  /** No further round begins after this long; three are always run. */
  readonly seconds: number;
}

export interface Row {
  readonly name: string;
  readonly adapter: string;
  readonly rival: string;
  /** Best rates. */
  readonly ours: number;
  readonly peer: number;
  readonly unit: Contest['unit'];
  /** ours / peer, of the best rates. */
  readonly ratio: number;
  readonly oursMedian: number;
  readonly peerMedian: number;
  /** Median over rounds of the ratio within a round: what one sees when other work shares the machine. */
  readonly ratioMedian: number;
  readonly rounds: number;
  /** Largest difference between the two results over the largest value. */
  readonly difference: number;
  /** Time of the first run, ms: compiling included. */
  readonly oursFirstMs: number;
  readonly peerFirstMs: number;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** One row a rival. Sides run in turns, so that whatever else the machine does falls on both. */
export async function* race(contest: Contest, adapter: string, limits: Limits): AsyncGenerator<Row> {
  for (const [rival, open] of Object.entries(contest.rivals)) {
    const [ours, peer] = [await contest.ours(), await open()];
    try {
      yield { name: contest.name, adapter, rival, ...(await compare(contest, ours, peer, limits)) };
    } finally {
      ours.dispose();
      peer.dispose();
    }
  }
}

async function compare(
  { work, unit }: Contest,
  ours: Side,
  peer: Side,
  { rounds, seconds }: Limits,
): Promise<Omit<Row, 'name' | 'adapter' | 'rival'>> {
  const [oursFirstMs, peerFirstMs] = [await timed(ours.once), await timed(peer.once)];
  const [oursMs, peerMs]: [number[], number[]] = [[], []];
  const start = performance.now();
  for (let i = 0; i < rounds && (i < 3 || performance.now() - start < seconds * 1000); i++) {
    // Who goes first alternates as well.
    if (i % 2) oursMs.push(await timed(ours.once));
    peerMs.push(await timed(peer.once));
    if (i % 2 === 0) oursMs.push(await timed(ours.once));
  }
  const rate = (ms: number) => (work / ms) * 1000;
  const best = [rate(Math.min(...oursMs)), rate(Math.min(...peerMs))] as const;
  return {
    ours: best[0],
    peer: best[1],
    unit,
    ratio: best[0] / best[1],
    oursMedian: rate(median(oursMs)),
    peerMedian: rate(median(peerMs)),
    ratioMedian: median(oursMs.map((ms, i) => peerMs[i]! / ms)),
    rounds: oursMs.length,
    difference: relativeDifference(await ours.result(), await peer.result()),
    oursFirstMs,
    peerFirstMs,
  };
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let [difference, scale] = [0, 0];
  a.forEach((v, i) => {
    difference = Math.max(difference, Math.abs(v - b[i]!));
    scale = Math.max(scale, Math.abs(v));
  });
  return difference / scale;
}

const COLUMNS = ['', 'against', 'ours', 'theirs', 'ratio', '(median)', 'unit', 'difference', 'first run, ms', 'ratio'];

export const header = (): string => line(COLUMNS);

export const print = (row: Row): string =>
  line([
    row.name,
    row.rival,
    row.ours.toFixed(2),
    row.peer.toFixed(2),
    `${row.ratio.toFixed(2)}×`,
    `(${row.ratioMedian.toFixed(2)}×)`,
    row.unit,
    row.difference.toExponential(1),
    `${row.oursFirstMs.toFixed(0)} / ${row.peerFirstMs.toFixed(0)}`,
    `${(row.peerFirstMs / row.oursFirstMs).toFixed(1)}×`,
  ]);

const WIDTHS = [64, 17, 9, 9, 8, 10, 9, 12, 16, 8];

const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i < 2 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!))).join('');
