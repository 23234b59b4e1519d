/**
 * Vite plugin: writes sw.js, the service worker with the list of files of this very build. The starter's files have the
 * same names in every build, so the page asks for them with a digest of their contents (`import.meta.env.STARTER`).
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

/** Not needed to run the studio. */
const left = /\.map$|^sw\.js$/;
/** Fetched when the page is idle: large, and not part of the page itself. */
const later = /^starter\//;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => relative(folder, join(item.parentPath, item.name)).split(sep).join('/'))
    .sort();

function digest(folder: string, files: readonly string[], more = ''): string {
  const hash = createHash('sha256');
  for (const path of files) hash.update(path).update(readFileSync(join(folder, path)));
  return hash.update(more).digest('hex').slice(0, 16);
}

export function offline(): Plugin {
  const starter = fileURLToPath(new URL('../public/starter', import.meta.url));
  const version = digest(starter, filesBelow(starter));
  let out = '';
  return {
    name: 'offline',
    apply: 'build',
    config: () => ({ define: { 'import.meta.env.STARTER': JSON.stringify(version) } }),
    configResolved: (config) => void (out = join(config.root, config.build.outDir)),
    closeBundle() {
      const files = filesBelow(out).filter((path) => !left.test(path));
      const worker = readFileSync(fileURLToPath(new URL('service-worker.js', import.meta.url)), 'utf8');
      const list = (name: string, paths: string[]) =>
        `const ${name} = ${JSON.stringify(paths.map((path) => `./${path}`))};\n`;
      writeFileSync(
        join(out, 'sw.js'),
        `const VERSION = '${digest(out, files, worker)}';\n` +
          list(
            'SHELL',
            files.filter((path) => !later.test(path)),
          ) +
          list(
            'LATER',
            files.filter((path) => later.test(path)).map((path) => `${path}?${version}`),
          ) +
          worker,
      );
    },
  };
}
