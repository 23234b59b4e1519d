/** The rewards that a recipe can weigh. To add one: its file, and a line here. */
export { agreement } from './agreement.ts';
export { centre } from './centre.ts';
export { choice } from './choice.ts';
export { cosineLength } from './cosine-length.ts';
export { count } from './count.ts';
export { format } from './format.ts';
export { giou } from './giou.ts';
export { imageIndex } from './image-index.ts';
export { instruction } from './instruction.ts';
export { iou } from './iou.ts';
export { own } from './own.ts';
export { refusal } from './refusal.ts';
export { repetition } from './repetition.ts';
export { softOverlong } from './soft-overlong.ts';
export { strictFormat } from './strict-format.ts';
