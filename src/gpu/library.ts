/** Pieces of WGSL that kernels include by name. */
import lanes from '../../shaders/lib/lanes.wgsl';
import weights from '../../shaders/lib/weights.wgsl';

export const library: Readonly<Record<string, string>> = { lanes, weights };
