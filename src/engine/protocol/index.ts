/** The protocol's public face: what the page may name of it. */
export { DEFAULT_ENDPOINT, DEFAULT_REVISION } from './hub.ts';
export { dataOf, NO_LABEL, runName } from './records.ts';
export type * from './adapters.ts';
export type * from './answers.ts';
export type * from './chat.ts';
export type * from './dataset.ts';
export type * from './device.ts';
export type * from './export.ts';
export type * from './hub.ts';
export type * from './keep.ts';
export type * from './messages.ts';
export type * from './model.ts';
export type * from './records.ts';
export type * from './run.ts';
export type * from './scores.ts';
export type * from './thoughts.ts';
export type * from './words.ts';
