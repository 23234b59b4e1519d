/** Pictures in the browser: of every kind the same pixels that Pillow gives, so that a model sees what it saw in training. */
import { expect, test } from '@playwright/test';
import { build } from 'vite';
import { goldenPictures, largestDifference } from '../tests/image/golden-pictures.ts';

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly data: readonly number[];
}

/** The decoders alone, as one module. */
async function decoders(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: { write: false, target: 'es2023', lib: { entry: 'src/image/decode.ts', formats: ['es'] } },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (!bundle || !('output' in bundle)) throw new Error('nothing was built');
  return bundle.output[0].code;
}

test('PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF are decoded as Pillow decodes them', async ({ page }) => {
  const code = await decoders();
  await page.route('**/decoders/*', (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: code })
      : route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Decoders</title>' }),
  );
  await page.goto('decoders/page.html');
  const off: string[] = [];
  for (const { file, bytes, width, height, pixels, tolerance } of await goldenPictures()) {
    const image = await page.evaluate(
      async ({ text, address }): Promise<Decoded> => {
        const { decodeImage } = (await import(address)) as typeof import('../src/image/decode.ts');
        const decoded = await decodeImage(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
        return { ...decoded, data: Array.from(decoded.data) };
      },
      { text: Buffer.from(bytes).toString('base64'), address: new URL('decode.js', page.url()).href },
    );
    const difference = largestDifference(image.data, pixels);
    if (image.width !== width || image.height !== height || difference > tolerance)
      off.push(`${file}: ${image.width} × ${image.height}, off by ${difference}`);
  }
  expect(off).toEqual([]);
});
