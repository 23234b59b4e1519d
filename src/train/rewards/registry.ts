/** The rewards that a recipe can weigh. To add one: its file, and a line here. */
export { centre } from './centre.ts';
export { format } from './format.ts';
export { giou } from './giou.ts';
export { imageIndex } from './image-index.ts';
export { iou } from './iou.ts';
export { softOverlong } from './soft-overlong.ts';
export { strictFormat } from './strict-format.ts';
