/** Pieces of WGSL that kernels include by name. */
import lanes from '../../shaders/lib/lanes.wgsl';
import nf4 from '../../shaders/lib/nf4.wgsl';
import product from '../../shaders/lib/product.wgsl';
import weights from '../../shaders/lib/weights.wgsl';

export const library: Readonly<Record<string, string>> = { lanes, nf4, product, weights };
