/**
 * A contest: the same work done by us and by a peer, on the same adapter. Runs wherever both run (Node, a browser), so
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
  /** Floating-point operations of one run. */
  readonly flops: number;
  ours(): Promise<Side>;
  peer(): Promise<Side>;
}

export interface Row {
  readonly name: string;
  readonly adapter: string;
  /** Best rates, GFLOP/s. */
  readonly ours: number;
  readonly peer: number;
  readonly unit: 'GFLOP/s';
  /** ours / peer, of the best rates. */
  readonly ratio: number;
  readonly oursMedian: number;
  readonly peerMedian: number;
  /** Median over rounds of the ratio within a round: what one sees when other work shares the machine. */
  readonly ratioMedian: number;
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

/** Runs both sides in turns, so that whatever else the machine does falls on both. */
export async function race(contest: Contest, adapter: string, rounds: number): Promise<Row> {
  const [ours, peer] = [await contest.ours(), await contest.peer()];
  const [oursFirstMs, peerFirstMs] = [await timed(ours.once), await timed(peer.once)];
  const [oursMs, peerMs]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    // Who goes first alternates as well.
    if (i % 2) oursMs.push(await timed(ours.once));
    peerMs.push(await timed(peer.once));
    if (i % 2 === 0) oursMs.push(await timed(ours.once));
  }
  const difference = relativeDifference(await ours.result(), await peer.result());
  ours.dispose();
  peer.dispose();
  const rate = (ms: number) => contest.flops / ms / 1e6;
  const best = [rate(Math.min(...oursMs)), rate(Math.min(...peerMs))] as const;
  return {
    name: contest.name,
    adapter,
    ours: best[0],
    peer: best[1],
    unit: 'GFLOP/s',
    ratio: best[0] / best[1],
    oursMedian: rate(median(oursMs)),
    peerMedian: rate(median(peerMs)),
    ratioMedian: median(oursMs.map((ms, i) => peerMs[i]! / ms)),
    difference,
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

const COLUMNS = ['', 'ours', 'peer', 'ratio', '(median:', 'ours', 'peer', 'ratio)', 'difference', 'first run, ms'];

export const header = (): string => line(COLUMNS);

export const print = (row: Row): string =>
  line([
    row.name,
    row.ours.toFixed(2),
    row.peer.toFixed(2),
    `${row.ratio.toFixed(2)}×`,
    '',
    row.oursMedian.toFixed(2),
    row.peerMedian.toFixed(2),
    `${row.ratioMedian.toFixed(2)}×`,
    row.difference.toExponential(1),
    `${row.oursFirstMs.toFixed(0)} / ${row.peerFirstMs.toFixed(0)}`,
  ]);

function line(cells: readonly string[]): string {
  const [name, ...rest] = cells as [string, ...string[]];
  return (
    name.padEnd(44) +
    rest.map((cell, i) => cell.padStart(i === rest.length - 1 ? 16 : i === rest.length - 2 ? 12 : 9)).join('')
  );
}
