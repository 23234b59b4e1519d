/** What we race at, and on which shapes. */
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { adamw } from './adamw.ts';
import { causalAttention } from './attention.ts';
import { decodeStep } from './decode.ts';
import { decoderLayer } from './decoder-layer.ts';
import { loraLinear } from './lora-linear.ts';
import { linearProduct, square } from './matmul.ts';
import { quantisedProduct } from './quantised.ts';
import { sharedPrefix } from './shared-prefix.ts';

export const contests = (bench: Bench): Contest[] => [
  ...[256, 512, 1024, 2048].map((n) => square(bench, n)),
  linearProduct(bench, { T: 512, K: 512, N: 512, format: 'f16' }),
  ...[1, 4, 8].flatMap((T) =>
    (['f32', 'f16'] as const).map((format) => linearProduct(bench, { T, K: 576, N: 1536, format })),
  ),
  // Short sums tell what a tile costs beside its sum.
  ...[8, 128].map((K) => linearProduct(bench, { T: 960, K, N: 512, format: 'f32' })),
  loraLinear(bench, { T: 256, K: 576, N: 1536, r: 8 }),
  ...(['int8', 'int4', 'nf4'] as const).flatMap((format) => [
    quantisedProduct(bench, { format, product: 'forward', T: 256, K: 576, N: 1536 }),
    quantisedProduct(bench, { format, product: 'dX', T: 256, K: 576, N: 1536 }),
    quantisedProduct(bench, { format, product: 'forward', T: 1, K: 576, N: 1536 }),
  ]),
  ...[128, 512].map((T) => causalAttention(bench, { T, heads: 9, kvHeads: 3, D: 64 })),
  ...[128, 512, 2048].map((T) => decoderLayer(bench, T)),
  decodeStep(bench, { rows: 8, context: 512 }),
  adamw(bench, 1 << 20),
  sharedPrefix(bench, { G: 8, prompt: 1024, completion: 64 }),
];
