/** Pieces of WGSL that kernels include by name. */
import half from '../../shaders/lib/half.wgsl';
import lanes from '../../shaders/lib/lanes.wgsl';

export const library: Readonly<Record<string, string>> = { half, lanes };
