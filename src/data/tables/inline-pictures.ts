/**
 * Pictures written into rows as base64, alone or as `data:` addresses: in a row's value they are replaced by a short
 * name, under which they are decoded when they are asked for. So no message ever repeats one.
 */
import { base64Bytes } from '../../formats/base64.ts';
import { EMBEDDED } from './table.ts';

const DATA_URL = /^data:image\/[\w.+-]{1,40};base64,/;
/** How PNG, JPEG, GIF, WebP, BMP, TIFF (of either byte order) and AVIF begin in base64. */
const BEGINS = /^(?:iVBORw0KGgo|\/9j\/|R0lGOD|UklGR|Qk[0-9A-Za-z+/]|SUkqA|TU0AK|AAAA[A-Za-z0-9+/]{2}Z0eXB)/;
const BASE64 = /^[0-9A-Za-z+/=\s]+$/;
const SHORTEST = 64;

const isPicture = (text: string): boolean =>
  text.length >= SHORTEST &&
  (DATA_URL.test(text.slice(0, SHORTEST)) ||
    (BEGINS.test(text) && text.length >= 4 * SHORTEST && BASE64.test(text.slice(0, 1024))));

/** The same value with names for its pictures: `prefix/images/0`. */
export function withPictureNames(value: unknown, prefix: string): unknown {
  if (typeof value === 'string') return isPicture(value) ? prefix : value;
  if (Array.isArray(value)) {
    const items = value.map((item, i) => withPictureNames(item, `${prefix}/${i}`));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [
    key,
    withPictureNames(field, `${prefix}/${encodeURIComponent(key)}`),
  ]);
  return fields.some(([key, field]) => field !== (value as Record<string, unknown>)[key as string])
    ? Object.fromEntries(fields)
    : value;
}

/** Row and steps of a picture's name. */
export function placeOf(name: string, file: string): { readonly row: number; readonly steps: readonly string[] } {
  const [row, ...steps] = name.slice(file.length + EMBEDDED.length).split('/');
  return { row: Number(row), steps: steps.map(decodeURIComponent) };
}

/** The picture at a place in a row's value; null if there is none. */
export function pictureIn(value: unknown, steps: readonly string[]): Blob | null {
  let at = value;
  for (const step of steps) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : null;
  return typeof at === 'string' ? decoded(at) : null;
}

export function decoded(text: string): Blob | null {
  const bytes = base64Bytes(text, DATA_URL.exec(text.slice(0, SHORTEST))?.[0].length ?? 0);
  return bytes && new Blob([bytes]);
}
