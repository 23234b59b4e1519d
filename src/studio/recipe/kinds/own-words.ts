/** The settings that a reward or a loss brings along, as fields of the form. */
import type { Settings } from '../../../engine/presets.ts';
import type { Words } from './words.ts';

/** Words for what a reward or a loss can be set by, from where it is defined. */
export const ownWords = (path: string, settings: Settings = {}): [path: string, words: Omit<Words, 'group'>][] =>
  Object.entries(settings).map(([key, { label, help, unit }]) => [
    `${path}.${key}`,
    { label, help, ...(unit !== undefined && { unit }) },
  ]);
