/**
 * Builds the harness as users' pages are built, so that its timings mean something, and serves it. It is no part of
 * the product's build, and has none of its workers.
 */
import { build, preview } from 'vite';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveHarness(port = 4531): Promise<Served> {
  // Two specs may build it at once, and two workers of one spec.
  const outDir = `.cache/harness-${port}-${process.env['TEST_PARALLEL_INDEX'] ?? 0}`;
  await build({
    publicDir: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      manifest: false,
      sourcemap: false,
      rollupOptions: { input: 'e2e/harness/harness.html' },
    },
  });
  const server = await preview({
    publicDir: false,
    build: { outDir },
    preview: { host: '127.0.0.1', port, strictPort: false },
    logLevel: 'error',
  });
  return { url: new URL('e2e/harness/harness.html', server.resolvedUrls!.local[0]).href, close: () => server.close() };
}
