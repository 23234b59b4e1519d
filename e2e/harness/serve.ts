/**
 * Builds a page of ours as users' pages are built, so that its timings mean something, and serves it. It is no part of
 * the product's build.
 */
import { build, preview, type Connect } from 'vite';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param page path from the house's root, *.html
 * @param outDir where it is built
 * @param answer requests that come before files
 */
export async function servePage(
  page: string,
  {
    outDir,
    port,
    publicDir = false,
    answer,
  }: {
    readonly outDir: string;
    readonly port: number;
    readonly publicDir?: string | false;
    readonly answer?: Connect.NextHandleFunction;
  },
): Promise<Served> {
  await build({
    publicDir,
    logLevel: 'error',
    build: { outDir, emptyOutDir: true, manifest: false, sourcemap: false, rollupOptions: { input: page } },
  });
  const server = await preview({
    publicDir: false,
    build: { outDir },
    preview: { host: '127.0.0.1', port, strictPort: false },
    logLevel: 'error',
    plugins: [
      { name: 'answer', configurePreviewServer: ({ middlewares }) => void (answer && middlewares.use(answer)) },
    ],
  });
  return { url: new URL(page, server.resolvedUrls!.local[0]).href, close: () => server.close() };
}

/** The studio with a pretended engine; it has none of the product's workers. */
export const serveHarness = (port = 4531): Promise<Served> =>
  servePage('e2e/harness/harness.html', {
    // Two specs may build it at once, and two workers of one spec.
    outDir: `.cache/harness-${port}-${process.env['TEST_PARALLEL_INDEX'] ?? 0}`,
    port,
  });
