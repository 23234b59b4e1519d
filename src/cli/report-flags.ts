/** Which galleries a report has, as flags. */
import { GALLERIES, GALLERY_ROWS, type GalleryKind } from '../engine/protocol/report.ts';
import { texts, UsageError, whole } from './arguments.ts';

export const GALLERY_FLAGS = { gallery: texts, 'gallery-rows': whole(0, GALLERY_ROWS) } as const;

const KINDS = Object.keys(GALLERIES) as GalleryKind[];

/** None named: misses. Throws a `UsageError` for one that is not known. */
export function galleryKinds(named: readonly string[]): GalleryKind[] {
  if (named.length === 0) return ['worst'];
  const strange = named.find((name) => !KINDS.some((kind) => kind === name));
  if (strange !== undefined)
    throw new UsageError(`There is no gallery “${strange}”.`, `Give --gallery one of ${KINDS.join(', ')}.`);
  return KINDS.filter((kind) => named.includes(kind));
}
