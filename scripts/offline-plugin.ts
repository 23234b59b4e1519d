/** Vite plugin: writes sw.js, the service worker with the list of files of this very build. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

/** Not needed to run the studio. */
const left = /\.map$|^\.vite\/|^sw\.js$/;
/** Fetched when the page is idle: large, and not part of the page itself. */
const later = /^starter\//;

export function offline(): Plugin {
  let out = '';
  return {
    name: 'offline',
    apply: 'build',
    configResolved: (config) => void (out = join(config.root, config.build.outDir)),
    closeBundle() {
      const files = readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((item) => item.isFile())
        .map((item) => relative(out, join(item.parentPath, item.name)).split(sep).join('/'))
        .filter((path) => !left.test(path))
        .sort();
      const hash = createHash('sha256');
      for (const path of files) hash.update(path).update(readFileSync(join(out, path)));
      const worker = readFileSync(fileURLToPath(new URL('service-worker.js', import.meta.url)), 'utf8');
      const list = (name: string, paths: string[]) =>
        `const ${name} = ${JSON.stringify(paths.map((path) => `./${path}`))};\n`;
      writeFileSync(
        join(out, 'sw.js'),
        `const VERSION = '${hash.update(worker).digest('hex').slice(0, 16)}';\n` +
          list(
            'SHELL',
            files.filter((path) => !later.test(path)),
          ) +
          list(
            'LATER',
            files.filter((path) => later.test(path)),
          ) +
          worker,
      );
    },
  };
}
