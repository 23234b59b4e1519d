/** Which files hold pictures that Groundwork reads: by their names, and in words. One place, for readers and messages. */

const ENDINGS = ['jpg', 'jpeg', 'jfif', 'png', 'webp', 'avif', 'gif', 'bmp', 'tif', 'tiff'] as const;

/** With their dots, in small letters and in capitals. */
export const PICTURE_ENDINGS: readonly string[] = ENDINGS.flatMap((end) => [`.${end}`, `.${end.toUpperCase()}`]);

/** For messages. */
export const PICTURE_FORMATS = 'PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF';

/** Source of a regular expression for the end of a picture's name, in small letters. */
export const PICTURE_END = String.raw`\.(?:${ENDINGS.join('|')})`;

const NAMED = new RegExp(`${PICTURE_END}$`, 'i');

/** Whether a name ends as a picture's does. */
export const isPictureName = (name: string): boolean => NAMED.test(name);
