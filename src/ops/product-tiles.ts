/** Tiles of the products' kernels for GPUs (shaders/matmul/{tiled,registers,matrix}.wgsl), by shape and tuning. */
import matrix from '../../shaders/matmul/matrix.wgsl';
import registers from '../../shaders/matmul/registers.wgsl';
import tiled from '../../shaders/matmul/tiled.wgsl';
import type { MatrixConfig, TiledProducts } from '../gpu/tuning.ts';
import type { Constants } from '../gpu/template.ts';
import { ceilDiv } from './groups.ts';

/** The result [rows, cols] of a product. */
export interface ProductShape {
  readonly layout: 'nn' | 'nt' | 'tn';
  readonly rows: number;
  readonly cols: number;
}

export interface ProductTile {
  readonly source: string;
  readonly constants: Constants;
  /** What a workgroup computes. */
  readonly rows: number;
  readonly columns: number;
}

export function productTile(tuning: TiledProducts, shape: ProductShape): ProductTile {
  const { config, least } = tuning.matrices ?? { config: null, least: 0 };
  const holds = config?.component === 'f32' || shape.layout === 'nt';
  return config && holds && Math.min(shape.rows, shape.cols) >= least
    ? matrixTile(config, shape)
    : registerTile(tuning, shape);
}

/** Rows of tiles in workgroup memory are padded to 16 bytes more, against bank conflicts. */
function matrixTile({ component, M, N, K }: MatrixConfig, { layout }: ProductShape): ProductTile {
  const half = component === 'f16';
  const padding = half ? 8 : 4;
  const [along, over] = [
    { stride: 16 + padding, size: 64 * (16 + padding) },
    { stride: 64 + padding, size: 16 * (64 + padding) },
  ];
  const [x, w] = [layout === 'tn' ? over : along, layout === 'nt' ? along : over];
  return {
    source: matrix,
    constants: {
      M,
      N,
      K,
      HALF: half,
      FACTOR: component,
      XS: x.stride,
      XSIZE: x.size,
      WS: w.stride,
      WSIZE: w.size,
    },
    rows: 64,
    columns: 64,
  };
}

/** Per kernel: its source, and rows and columns of the tile in which each invocation has one row and four columns. */
const KERNELS = {
  tiled: { source: tiled, rows: 16, columns: 64 },
  registers: { source: registers, rows: 8, columns: 32 },
} as const;

/**
 * As many sums an invocation as leave the GPU busy: rows by `tm`, and in `tiled` eight columns instead of four where there
 * are eight rows. Four rows lie in one vec4 in TN.
 */
function registerTile({ kernel, rows: most, busy }: TiledProducts, { layout, rows, cols }: ProductShape): ProductTile {
  const { source, rows: height, columns } = KERNELS[kernel];
  const tiles = (tm: number, tc: number) => ceilDiv(cols, columns * tc) * ceilDiv(rows, height * tm);
  const fits = (tm: number, tc = 1) => tm <= most && rows > (height * tm) / 2 && tiles(tm, tc) >= busy;
  // Twice as many where they are large: a unit that has one tile more than others holds up the whole.
  const tc = most >= 8 && cols > columns && fits(8, 2) && tiles(8, 2) >= 2 * busy ? 2 : 1;
  const tall = tc === 2 || (fits(8) && tiles(8, 1) >= 2 * busy);
  const tm = tall ? 8 : layout === 'tn' || fits(4) ? 4 : fits(2) || rows > 2 * height ? 2 : 1;
  return {
    source,
    constants: kernel === 'tiled' ? { TM: tm, TC: tc, DEPTH: tall ? 2 : 4 } : { TM: tm },
    rows: height * tm,
    columns: columns * tc,
  };
}
