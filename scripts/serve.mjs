/**
 * The server of `npm start`, of the packed app and of the tests that ask what it does. It serves a build to this
 * machine alone: it listens on loopback, and answers no request that was sent to another name.
 */
import { createServer } from 'node:http';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { policyOf, reachOf } from './policies.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const HOST = '127.0.0.1';
const FIRST_PORT = 4173;
const LAST_PORT = 4273;

/** Names of this machine. Another site may give its own name our address; its requests say that name. */
const ours = (/** @type {string | undefined} */ host) =>
  /^(?:127\.0\.0\.1|\[::1\]|(?:[\w-]+\.)*localhost)(?::\d+)?$/i.test(host ?? '');

/** @returns {Promise<boolean>} false where the port is taken */
const listen = (/** @type {import('node:http').Server} */ server, /** @type {number} */ port) =>
  new Promise((done, failed) => {
    const refused = (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === 'EADDRINUSE' ? done(false) : failed(error);
    server.once('error', refused);
    server.listen(port, HOST, () => {
      server.off('error', refused);
      done(true);
    });
  });

/**
 * The packages are not here yet on a fresh clone: install before calling.
 * @param {{ port?: number, outDir?: string }} options `port`: this one or none; without it, the first free one from 4173
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function serve({ port, outDir = 'dist' } = {}) {
  const { default: sirv } = await import('sirv');
  const files = sirv(resolve(root, outDir), {
    dev: true, // looks at the disk for each request: a new build needs no new server
    etag: true,
    extensions: ['html'],
    setHeaders(response, path) {
      // A file of a build has a digest of its contents in its name.
      if (path.includes('/assets/')) response.setHeader('cache-control', 'public, max-age=31536000, immutable');
      response.setHeader('content-security-policy', policyOf(path));
      const reach = reachOf(path);
      if (reach !== null) response.setHeader('connection-allowlist', reach);
      response.setHeader('x-content-type-options', 'nosniff');
    },
  });
  const server = createServer((request, response) => {
    if (!ours(request.headers.host)) {
      response.writeHead(403, { 'content-type': 'text/plain' });
      return response.end('Groundwork answers this machine only: open it as localhost or 127.0.0.1.\n');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405).end();
    return files(request, response, () => response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n'));
  });
  let free = await listen(server, port ?? FIRST_PORT);
  for (let next = FIRST_PORT + 1; !free && port === undefined && next <= LAST_PORT; next++)
    free = await listen(server, next);
  if (!free)
    throw new Error(
      port === undefined ? `No port from ${FIRST_PORT} to ${LAST_PORT} is free.` : `Port ${port} is taken.`,
    );
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  return {
    url: `http://${HOST}:${bound}/`,
    port: bound,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
