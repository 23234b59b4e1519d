/** The benchmarks that are known by their published files. To add one: its file, and a line here. */
export { blink } from './blink.ts';
export { groundingMe } from './grounding-me.ts';
export { lisa } from './lisa.ts';
export { llmSeg } from './llm-seg.ts';
export { mcBench } from './mc-bench.ts';
export { migBench } from './mig-bench.ts';
export { migBenchRevised } from './mig-bench-revised.ts';
export { mmiu } from './mmiu.ts';
export { odinw } from './odinw.ts';
export { reasonVos } from './reason-vos.ts';
export { refCoco } from './refcoco.ts';
export { refCocoTsv } from './refcoco-tsv.ts';
export { refL4 } from './ref-l4.ts';
export { revos } from './revos.ts';
