/** WGSL of the attention kernels, by tuning, with the pieces that they share in place. */
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
import softwareForward from '../../shaders/attention/software/forward.wgsl';
import softwareKeyGradient from '../../shaders/attention/software/key-gradient.wgsl';
import softwareQueryGradient from '../../shaders/attention/software/query-gradient.wgsl';
import stagedForward from '../../shaders/attention/staged/forward.wgsl';
import stagedKeyGradient from '../../shaders/attention/staged/key-gradient.wgsl';
import stagedQueryGradient from '../../shaders/attention/staged/query-gradient.wgsl';
import wideForward from '../../shaders/attention/wide/forward.wgsl';
import wideKeyGradient from '../../shaders/attention/wide/key-gradient.wgsl';
import wideQueryGradient from '../../shaders/attention/wide/query-gradient.wgsl';
import { withPieces } from '../gpu/template.ts';

const PIECES: Readonly<Record<string, string>> = {
  'attention-forward-bindings': forwardBindings,
  'attention-gradient-bindings': gradientBindings,
  'attention-held': held,
  'attention-products': products,
  'row-sums': rowSums,
  'attention-scores': scores,
  'attention-tile-mixed': tileMixed,
  'attention-tile-row': tileRow,
  'attention-tile-rows': tileRows,
  'attention-tile-span': tileSpan,
  'attention-tiles': tiles,
  'attention-main': main,
  'attention-mixed': mixed,
  'attention-span': span,
};

const kernels = (forward: string, queryGradient: string, keyGradient: string) => ({
  forward: withPieces(forward, PIECES),
  queryGradient: withPieces(queryGradient, PIECES),
  keyGradient: withPieces(keyGradient, PIECES),
});

export const ATTENTION = {
  software: kernels(softwareForward, softwareQueryGradient, softwareKeyGradient),
  staged: kernels(stagedForward, stagedQueryGradient, stagedKeyGradient),
  wide: kernels(wideForward, wideQueryGradient, wideKeyGradient),
};
