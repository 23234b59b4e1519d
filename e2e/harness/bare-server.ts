/** Serves the build as a plain host of files does: without a policy, or any other header of ours, from any folder. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html' };

/** @param folder of the address, from `/` to `/` */
export async function bareServer(folder = '/'): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://x').pathname));
    const below = path.startsWith(folder) ? path.slice(folder.length) : null;
    (below === null ? Promise.reject(new Error('elsewhere')) : readFile(join('dist', below || 'index.html'))).then(
      (bytes) => response.writeHead(200, { 'content-type': TYPES[extname(path) || '.html'] ?? '' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
