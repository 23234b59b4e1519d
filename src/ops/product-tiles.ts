/** Tiles of the products' kernels for GPUs (shaders/matmul/{tiled,registers}.wgsl), by shape and tuning. */
import registers from '../../shaders/matmul/registers.wgsl';
import tiled from '../../shaders/matmul/tiled.wgsl';
import type { ProductTuning, TiledProducts } from '../gpu/tuning.ts';
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

export function productTile(tuning: Exclude<ProductTuning, { kernel: 'subgroup' }>, shape: ProductShape): ProductTile {
  return sharedRows(tuning, shape);
}

/** Per kernel: its source, and rows and columns of the tile in which each invocation has one row and four columns. */
const KERNELS = {
  tiled: { source: tiled, rows: 16, columns: 64 },
  registers: { source: registers, rows: 8, columns: 32 },
} as const;

/** As many rows an invocation as leave the GPU busy; four lie in one vec4 in TN. */
function sharedRows({ kernel, rows: most, busy }: TiledProducts, { layout, rows, cols }: ProductShape): ProductTile {
  const { source, rows: height, columns } = KERNELS[kernel];
  const tiles = (tm: number) => ceilDiv(cols, columns) * ceilDiv(rows, height * tm);
  const fits = (tm: number) => tm <= most && rows > (height * tm) / 2 && tiles(tm) >= busy;
  const tm = layout === 'tn' || fits(4) ? 4 : fits(2) || rows > 2 * height ? 2 : 1;
  return { source, constants: { TM: tm }, rows: height * tm, columns };
}
