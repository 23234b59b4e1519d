import fc from 'fast-check';
import { expect, test } from 'vitest';
import { base64Bytes } from '../../src/formats/base64.ts';

const byAtob = (text: string): number[] | null => {
  try {
    return [...atob(text)].map((c) => c.charCodeAt(0));
  } catch {
    return null;
  }
};

test('bytes survive base64 of any length, with white space anywhere', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 80 }), (bytes, width) => {
      const text = Buffer.from(bytes)
        .toString('base64')
        .replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
      expect(base64Bytes(`data:,${text}`, 6)).toEqual(bytes);
    }),
  );
});

test('what atob refuses is refused, what it takes is taken', () => {
  const digits = fc.constantFrom('A', 'z', '9', '+', '/', '=', ' ', '\n', '-', 'é', '\u{1f600}');
  fc.assert(
    fc.property(fc.array(digits, { maxLength: 9 }), (parts) => {
      const bytes = base64Bytes(parts.join(''));
      expect(bytes && [...bytes]).toEqual(byAtob(parts.join('')));
    }),
    { numRuns: 2000 },
  );
});
