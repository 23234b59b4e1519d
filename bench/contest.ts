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

/** What a run cost; `cpuMs`, of the driver's threads, is NaN where it cannot be told. */
export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Starts a watch; it tells what was spent since. */
export type Stopwatch = () => () => Cost;

export const wallClock: Stopwatch = () => {
  const begin = performance.now();
  return () => ({ wallMs: performance.now() - begin, cpuMs: NaN });
};

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
  /** Least processor time of a run, of the driver's threads: what a busy machine spoils least. Null: not to be told. */
  readonly oursCpuMs: number | null;
  readonly peerCpuMs: number | null;
  /** peer / ours, of the least; and the median over rounds of the ratio within a round. */
  readonly cpuRatio: number | null;
  readonly cpuRatioMedian: number | null;
  /** Largest difference between the two results over the largest value. */
  readonly difference: number;
  /** From nothing to the end of the first run: inputs made and sent, kernels compiled. */
  readonly oursFirst: Cost;
  readonly peerFirst: Cost;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** One row a rival. Sides run in turns, so that whatever else the machine does falls on both. */
export async function* race(
  contest: Contest,
  adapter: string,
  limits: Limits,
  stopwatch: Stopwatch,
): AsyncGenerator<Row> {
  for (const [rival, open] of Object.entries(contest.rivals)) {
    const ours = await opened(contest.ours, stopwatch);
    const peer = await opened(open, stopwatch);
    try {
      yield { name: contest.name, adapter, rival, ...(await compare(contest, ours, peer, limits, stopwatch)) };
    } finally {
      ours.side.dispose();
      peer.side.dispose();
    }
  }
}

interface Opened {
  readonly side: Side;
  readonly first: Cost;
}

async function opened(open: () => Promise<Side>, stopwatch: Stopwatch): Promise<Opened> {
  const stop = stopwatch();
  const side = await open();
  await side.once();
  return { side, first: stop() };
}

async function compare(
  { work, unit }: Contest,
  ours: Opened,
  peer: Opened,
  { rounds, seconds }: Limits,
  stopwatch: Stopwatch,
): Promise<Omit<Row, 'name' | 'adapter' | 'rival'>> {
  const run = async ({ side }: Opened, costs: Cost[]) => {
    const stop = stopwatch();
    await side.once();
    costs.push(stop());
  };
  const [oursCosts, peerCosts]: [Cost[], Cost[]] = [[], []];
  const start = performance.now();
  for (let i = 0; i < rounds && (i < 3 || performance.now() - start < seconds * 1000); i++) {
    // Who goes first alternates as well.
    if (i % 2) await run(ours, oursCosts);
    await run(peer, peerCosts);
    if (i % 2 === 0) await run(ours, oursCosts);
  }
  const spent = (what: keyof Cost) => [oursCosts, peerCosts].map((costs) => costs.map((cost) => cost[what]));
  const [oursMs, peerMs] = spent('wallMs') as [number[], number[]];
  const [oursCpu, peerCpu] = spent('cpuMs') as [number[], number[]];
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
    oursCpuMs: known(Math.min(...oursCpu)),
    peerCpuMs: known(Math.min(...peerCpu)),
    cpuRatio: known(Math.min(...peerCpu) / Math.min(...oursCpu)),
    cpuRatioMedian: known(median(oursCpu.map((ms, i) => peerCpu[i]! / ms))),
    difference: relativeDifference(await ours.side.result(), await peer.side.result()),
    oursFirst: ours.first,
    peerFirst: peer.first,
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

const COLUMNS = [
  ['', 66],
  ['against', 17],
  ['ours', 8],
  ['theirs', 8],
  ['ratio', 8],
  ['(median)', 10],
  ['unit', 9],
  ['CPU ms', 16],
  ['ratio', 8],
  ['(median)', 10],
  ['difference', 12],
  ['first run, ms', 16],
  ['ratio', 8],
  ['its CPU ms', 16],
] as const;

export const header = (): string => line(COLUMNS.map(([title]) => title));

export const print = (row: Row): string =>
  line([
    row.name,
    row.rival,
    row.ours.toFixed(2),
    row.peer.toFixed(2),
    times(row.ratio),
    `(${times(row.ratioMedian)})`,
    row.unit,
    both(row.oursCpuMs, row.peerCpuMs, 1),
    times(row.cpuRatio),
    row.cpuRatioMedian === null ? '' : `(${times(row.cpuRatioMedian)})`,
    row.difference.toExponential(1),
    both(row.oursFirst.wallMs, row.peerFirst.wallMs),
    times(row.peerFirst.wallMs / row.oursFirst.wallMs),
    both(known(row.oursFirst.cpuMs), known(row.peerFirst.cpuMs)),
  ]);

const times = (ratio: number | null): string => (ratio === null ? '–' : `${ratio.toFixed(2)}×`);

const both = (ours: number | null, peer: number | null, digits = 0): string =>
  ours === null || peer === null ? '–' : `${ours.toFixed(digits)} / ${peer.toFixed(digits)}`;

const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i < 2 ? cell.padEnd(COLUMNS[i]![1]) : cell.padStart(COLUMNS[i]![1]))).join('');
