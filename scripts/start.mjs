/**
 * `npm start`: installs what is missing, builds the studio and serves it on this machine only. Nothing but the
 * installation needs a network.
 *
 *     --port N      instead of the first free one from 4173
 *     --no-open     do not open a browser (nor on CI, without a display, or with GROUNDWORK_NO_OPEN=1)
 *     --no-build    serve what is in dist/
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bin, ensureModules, root, runNode } from './house.mjs';
import { serve } from './serve.mjs';

const { values } = parseArgs({
  options: { port: { type: 'string' }, 'no-open': { type: 'boolean' }, 'no-build': { type: 'boolean' } },
});

function mayOpen() {
  if (values['no-open'] || process.env.CI || process.env.GROUNDWORK_NO_OPEN) return false;
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

function open(url) {
  const [command, ...args] = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] }[process.platform] ?? [
    'xdg-open',
    url,
  ];
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.once('error', () => {}); // the address is printed anyway
  child.unref();
}

await ensureModules();
if (!values['no-build']) {
  const start = performance.now();
  const code = await runNode([bin('vite', 'bin/vite.js'), 'build', '--logLevel', 'warn']);
  if (code !== 0) process.exit(code);
  console.log(`Built in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
} else if (!existsSync(join(root, 'dist', 'index.html'))) {
  console.error('There is no build in dist/ to serve; leave --no-build out.');
  process.exit(1);
}

const server = await serve(values.port === undefined ? {} : { port: Number(values.port) });
console.log(`Groundwork is at ${server.url} (Ctrl+C ends it)`);
if (mayOpen()) open(server.url);

function end() {
  void server.close();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
// npm hands a signal to the shell between us and does not wait: whoever started us being gone is a signal, too.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && end(), 1000).unref();
