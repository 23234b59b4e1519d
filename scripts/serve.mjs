/** The server of `npm start`, and of the tests that ask what it does. It serves a build to this machine alone. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './house.mjs';

/**
 * Vite is not here yet on a fresh clone: install before calling.
 * @param {{ port?: number, outDir?: string }} options `port`: this one or none; without it, the first free one from 4173
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function serve({ port, outDir = 'dist' } = {}) {
  const { preview } = await import(pathToFileURL(join(root, 'node_modules', 'vite', 'dist', 'node', 'index.js')).href);
  const server = await preview({
    root,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: port ?? 4173, strictPort: port !== undefined, open: false },
  });
  const bound = server.httpServer.address().port;
  return {
    url: `http://127.0.0.1:${bound}/`,
    port: bound,
    close: () => {
      server.httpServer.closeAllConnections();
      return new Promise((done) => server.httpServer.close(() => done()));
    },
  };
}
