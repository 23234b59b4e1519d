/**
 * Vite plugin: keeps the build's manifest in .cache/, out of what is served. It lists every source file and is for
 * scripts/check-size.mjs alone.
 */
import { existsSync, mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

export function manifestBeside(): Plugin {
  let root = '';
  let out = '';
  return {
    name: 'manifest-beside',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      out = join(root, config.build.outDir);
    },
    closeBundle() {
      const written = join(out, '.vite', 'manifest.json');
      if (!existsSync(written)) return;
      mkdirSync(join(root, '.cache'), { recursive: true });
      renameSync(written, join(root, '.cache', 'build-manifest.json'));
      rmdirSync(join(out, '.vite'));
    },
  };
}
