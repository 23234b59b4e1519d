/**
 * `npm start`: installs what is missing, builds the studio and serves it on this machine only. Nothing but the
 * installation needs a network.
 *
 *     --port N      instead of the first free one from 4173
 *     --no-open     do not open a browser (nor on CI, without a display, or with GROUNDWORK_NO_OPEN=1)
 *     --no-build    serve what is in dist/
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bin, ensureModules, root, runNode } from './house.mjs';
import { readFlags, runStudio } from './studio.mjs';

const flags = readFlags({ 'no-build': { type: 'boolean' } });

await ensureModules();
if (!flags['no-build']) {
  const start = performance.now();
  const code = await runNode([bin('vite', 'bin/vite.js'), 'build', '--logLevel', 'warn']);
  if (code !== 0) process.exit(code);
  console.log(`Built in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
} else if (!existsSync(join(root, 'dist', 'index.html'))) {
  console.error('There is no build in dist/ to serve; leave --no-build out.');
  process.exit(1);
}

await runStudio(flags);
