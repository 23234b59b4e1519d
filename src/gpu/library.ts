/** Pieces of WGSL that kernels of any op may include by name. What only one op needs lies with the op. */
import exchange from '../../shaders/lib/exchange.wgsl';
import lanes from '../../shaders/lib/lanes.wgsl';
import nf4 from '../../shaders/lib/nf4.wgsl';
import productBindings from '../../shaders/lib/product-bindings.wgsl';
import product from '../../shaders/lib/product.wgsl';
import subgroupMatrix from '../../shaders/lib/subgroup-matrix.wgsl';
import weights from '../../shaders/lib/weights.wgsl';

export const library: Readonly<Record<string, string>> = {
  exchange,
  lanes,
  nf4,
  product,
  'product-bindings': productBindings,
  'subgroup-matrix': subgroupMatrix,
  weights,
};
