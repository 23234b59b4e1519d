/** A plan's digest: the same for the same settings, in whatever order they stand. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { isObject } from '../base/json.ts';
import type { Recipe } from '../train/recipe.ts';

const sorted = (_: string, value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value;

export const digestOf = (recipe: Recipe): string => bytesToHex(sha256(utf8ToBytes(JSON.stringify(recipe, sorted))));
