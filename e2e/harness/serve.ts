/**
 * Builds the harness as users' pages are built, so that its timings mean something, and serves it. It is no part of
 * the product's build, and the product's worker is left out of it.
 */
import { build, preview, type Plugin } from 'vite';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

const withoutEngine = (): Plugin => ({
  name: 'without-engine',
  enforce: 'pre',
  resolveId: (id) => (/engine\/worker\.ts|^\.\/worker\.ts/.test(id) ? '\0no-engine' : null),
  load: (id) => (id.includes('no-engine') || /engine\/worker\.ts/.test(id) ? 'export {};' : null),
});

export async function serveHarness(port = 4531): Promise<Served> {
  const outDir = '.cache/harness';
  await build({
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es', plugins: () => [withoutEngine()] },
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
