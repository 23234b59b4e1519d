/**
 * Three tunings of the attention kernels and when each is taken. A tile's rows are neighbouring queries × heads that
 * share keys; in the key gradient, neighbouring keys. A workgroup of LANES invocations has one in `software` and `wide`:
 *
 *   software  lanes own columns; partial products of all rows are summed and transposed together. Needs subgroups of
 *             4 or 8 that divide the head size. On lavapipe and SwiftShader 1.5 to 3 times as fast as `wide`.
 *   wide      a lane owns a key while scores are made, and columns while values are summed: few words between lanes,
 *             which 32 lanes want. Works without subgroups, by workgroup memory.
 *   staged    128 invocations have 64 rows; slices of q, k, v and dO pass through workgroup memory, each loaded once for
 *             all of them. Scattered rows (decoding), which share few keys, go to `wide`.
 */
import type { Session } from '../gpu/recorder.ts';
import type { Constants } from '../gpu/template.ts';
import { tuningOf, type AttentionTuning } from '../gpu/tuning.ts';
import { ATTENTION } from './attention-kernels.ts';
import { ceilDiv } from './groups.ts';

export interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scattered: boolean;
}

export interface TiledKernel {
  readonly source: string;
  readonly constants: Constants;
  readonly params: Readonly<Record<string, number>>;
}

export interface AttentionTiles {
  /** Queries and heads of a tile: a workgroup each in forward and query gradient. */
  readonly queries: number;
  readonly heads: number;
  /** Keys of a tile in the key gradient. */
  readonly keys: number;
  /** Parts into which the heads of a group are divided in the key gradient, so that no unit of the GPU is idle; 1: whole. */
  keyParts(Tk: number): number;
  /** Whether the key gradient is told how many heads of a group are its share. */
  readonly splits: boolean;
  /** Stretches of a row's keys that workgroups share in the forward kernel, where few rows leave a GPU idle; 1: whole. */
  stretches(Tq: number, Tk: number): number;
  /** Whether the forward kernel is told of them. */
  readonly stretched: boolean;
  /** Floats per element of the matrices as bound: strides and offsets count these. */
  readonly unit: number;
  readonly forward: TiledKernel;
  readonly queryGradient: TiledKernel;
  readonly keyGradient: TiledKernel;
}

/**
 * The two parts of a query's ranges, in `software` the rows of a tile, and on software drivers all short loops of `staged`,
 * are counted by uniforms: Mesa unrolls what it can count itself, and its compile time goes with the number of memory accesses in the
 * code (5.2 s against 1.6 s).
 */
const PARTS = { parts: 2 } as const;

/** What the other tunings' tiles have where `wide` must step in for them. */
const WIDE = { rows: 4, keys: 4, busy: 1 } as const;

export function attentionTiles(session: Session, shape: HeadShape): AttentionTiles {
  const { LANES: lanes } = session.kernels.builtins as { LANES: number };
  const { attention } = tuningOf(session.gpu);
  if (attention.kernel === 'software' && shape.headDim % lanes === 0) return softwareTiles(lanes, shape, attention);
  if (attention.kernel === 'staged' && !shape.scattered) return stagedTiles(shape, attention, session.gpu.software);
  return wideTiles(lanes, shape, attention.kernel === 'wide' ? attention : { ...WIDE, busy: attention.busy });
}

function softwareTiles(lanes: number, shape: HeadShape, tuning: AttentionTuning): AttentionTiles {
  const { headDim } = shape;
  const VW = headDim % (4 * lanes) === 0 ? 4 : 1;
  const columns = { D: headDim, VW, VECTOR: VW === 4 ? 'vec4<f32>' : 'f32', COLUMNS: headDim / lanes / VW };
  const { HEADS, QUERIES } = queryTile(shape, tuning.rows);
  const SCATTERED = shape.scattered;
  const rows = (n: number) => {
    const ROWS = 2 ** Math.ceil(Math.log2(n));
    const PER = Math.min(ROWS, lanes);
    return { ROWS, PER, SETS: ROWS / PER, SWAP: lanes === 4 && PER === 4 };
  };
  const queries = { ...columns, ...rows(HEADS * QUERIES), HEADS, QUERIES };
  // Where lanes hold different rows in one register, all registers may hold rows of the tile.
  const params = { ...PARTS, rows: queries.SWAP ? queries.ROWS : HEADS * QUERIES };
  const { keys } = tuning;
  return {
    queries: QUERIES,
    heads: HEADS,
    keys,
    keyParts: () => 1,
    splits: false,
    stretches: () => 1,
    stretched: false,
    unit: VW,
    forward: {
      source: ATTENTION.software.forward,
      constants: { ...queries, SCATTERED, KEYS: headDim > 32 ? 1 : 2 },
      params: { ...params, queries: QUERIES },
    },
    queryGradient: { source: ATTENTION.software.queryGradient, constants: queries, params },
    keyGradient: {
      source: ATTENTION.software.keyGradient,
      constants: { ...columns, ...rows(keys) },
      params: { rows: keys },
    },
  };
}

function stagedTiles(shape: HeadShape, tuning: AttentionTuning, software: boolean): AttentionTiles {
  const QUADS = shape.headDim / 4;
  const { HEADS, QUERIES } = queryTile(shape, tuning.rows);
  // Sums of both gradients are held at once: with large heads, of half as many keys.
  const keys = shape.headDim > 64 ? tuning.keys / 2 : tuning.keys;
  const tile = (rows: number, PRODUCTS: number) => {
    const TM = rows / 16;
    return {
      constants: {
        TM,
        QUADS,
        COLUMNS: ceilDiv(QUADS, 8),
        SLAB: Math.max(16 * TM * 5, 8 * QUADS),
        PRODUCTS,
        ...(software
          ? { SLICE: 'p.slice', EIGHT: 'p.eight', TWO: 'p.products' }
          : { SLICE: '4u', EIGHT: '8u', TWO: '2u' }),
      },
      params: { slice: 4, eight: 8, products: 2, rows: TM },
    };
  };
  const queries = (PRODUCTS: number) => {
    const { constants, params } = tile(tuning.rows, PRODUCTS);
    return { constants: { ...constants, HEADS, QUERIES }, params: { ...PARTS, ...params } };
  };
  return {
    queries: QUERIES,
    heads: HEADS,
    keys,
    keyParts: (Tk) => partsOf(shape.heads / shape.kvHeads, ceilDiv(Tk, keys) * shape.kvHeads, tuning.busy),
    splits: true,
    stretches: () => 1,
    stretched: false,
    unit: 4,
    forward: { source: ATTENTION.staged.forward, ...queries(1) },
    queryGradient: { source: ATTENTION.staged.queryGradient, ...queries(2) },
    keyGradient: { source: ATTENTION.staged.keyGradient, ...tile(keys, 2) },
  };
}

function wideTiles(
  lanes: number,
  shape: HeadShape,
  tuning: Pick<AttentionTuning, 'rows' | 'keys' | 'busy'>,
): AttentionTiles {
  const { headDim } = shape;
  const vec4 = headDim % (4 * lanes) === 0;
  const columns = {
    D: headDim,
    VW: vec4 ? 4 : 1,
    VECTOR: vec4 ? 'vec4<f32>' : 'f32',
    COLUMNS: vec4 ? headDim / (4 * lanes) : ceilDiv(headDim, lanes),
  };
  const { HEADS, QUERIES: together } = queryTile(shape, tuning.rows);
  const QUERIES = shape.scattered ? 1 : together;
  const queries = { ...columns, HEADS, QUERIES, ROWS: HEADS * QUERIES, KEYS: 1 };
  const params = PARTS;
  const { keys } = tuning;
  return {
    queries: QUERIES,
    heads: HEADS,
    keys,
    keyParts: () => 1,
    splits: false,
    // No fewer than two tiles of keys each.
    stretches: (Tq, Tk) =>
      shape.scattered
        ? Math.max(1, Math.min(ceilDiv(tuning.busy, Tq * (shape.heads / HEADS)), Math.floor(Tk / (2 * lanes)), 16))
        : 1,
    stretched: true,
    unit: 4,
    forward: { source: ATTENTION.wide.forward, constants: { ...queries, MIXED: 'v' }, params },
    queryGradient: { source: ATTENTION.wide.queryGradient, constants: { ...queries, MIXED: 'k' }, params },
    keyGradient: { source: ATTENTION.wide.keyGradient, constants: { ...columns, KEYS: keys, QUERIES: 1 }, params: {} },
  };
}

/** The fewest equal parts of a group's heads that make of `tiles` as many as keep a GPU busy; else a part for each head. */
function partsOf(group: number, tiles: number, busy: number): number {
  let parts = 1;
  while (parts < group && (group % parts !== 0 || parts * tiles < busy)) parts++;
  return parts;
}

/** At most `most` rows: heads that share a kv head first, then neighbouring queries. */
function queryTile({ heads, kvHeads }: HeadShape, most: number): { HEADS: number; QUERIES: number } {
  const group = heads / kvHeads;
  let HEADS = Math.min(group, most);
  while (group % HEADS !== 0) HEADS--;
  return { HEADS, QUERIES: Math.floor(most / HEADS) };
}
