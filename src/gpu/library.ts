/** Pieces of WGSL that kernels include by name. */
import forwardBindings from '../../shaders/attention/forward-bindings.wgsl';
import gradientBindings from '../../shaders/attention/gradient-bindings.wgsl';
import held from '../../shaders/attention/software/held.wgsl';
import products from '../../shaders/attention/software/products.wgsl';
import rowSums from '../../shaders/attention/software/row-sums.wgsl';
import scores from '../../shaders/attention/staged/scores.wgsl';
import tileMixed from '../../shaders/attention/staged/mixed.wgsl';
import tileRow from '../../shaders/attention/staged/row.wgsl';
import tileRows from '../../shaders/attention/staged/rows.wgsl';
import tileSpan from '../../shaders/attention/staged/span.wgsl';
import tiles from '../../shaders/attention/staged/tiles.wgsl';
import main from '../../shaders/attention/wide/main.wgsl';
import mixed from '../../shaders/attention/wide/mixed.wgsl';
import span from '../../shaders/attention/wide/span.wgsl';
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
  'row-sums': rowSums,
  'attention-forward-bindings': forwardBindings,
  'attention-gradient-bindings': gradientBindings,
  'attention-held': held,
  'attention-main': main,
  'attention-mixed': mixed,
  'attention-products': products,
  'attention-scores': scores,
  'attention-span': span,
  'attention-tile-mixed': tileMixed,
  'attention-tile-row': tileRow,
  'attention-tile-rows': tileRows,
  'attention-tile-span': tileSpan,
  'attention-tiles': tiles,
};
