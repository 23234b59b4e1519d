/** Pictures in base64 are told by how their formats begin; a text that only looks like base64 stays text. */
import { expect, test } from 'vitest';
import { isPictureName, PICTURE_ENDINGS } from '../../src/base/picture-files.ts';
import { withPictureNames } from '../../src/data/tables/inline-pictures.ts';

const BEGINNINGS: Readonly<Record<string, string>> = {
  PNG: '\x89PNG\r\n\x1a\n',
  JPEG: '\xff\xd8\xff\xe0',
  GIF: 'GIF89a',
  WebP: 'RIFF\x40\0\0\0WEBP',
  BMP: 'BM\x36\0',
  'TIFF, little-endian': 'II*\0\x08\0\0\0',
  'TIFF, big-endian': 'MM\0*\0\0\0\x08',
  AVIF: '\0\0\0\x1cftypavif',
  'AVIF with more brands': '\0\0\0\x20ftypavif',
};

test.each(Object.entries(BEGINNINGS))('%s is named and never repeated', (_, begin) => {
  const picture = Buffer.concat([Buffer.from(begin, 'latin1'), Buffer.alloc(400, 7)]).toString('base64');
  expect(withPictureNames({ image: picture, question: 'Where?' }, 'row')).toEqual({
    image: 'row/image',
    question: 'Where?',
  });
});

test('words stay words', () => {
  const words = 'a'.repeat(500);
  expect(withPictureNames({ answer: words }, 'row')).toEqual({ answer: words });
});

test('every ending of a picture that is read names one, in small letters and in capitals', () => {
  for (const end of PICTURE_ENDINGS) expect(isPictureName(`images/a${end}`)).toBe(true);
  expect(['a.txt', 'png', 'a.png.txt', 'a.heic'].map(isPictureName)).toEqual([false, false, false, false]);
});
