/** Vite's plugin for WGSL and Python: page and tests import shaders, and what a job is made of, as text. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** Lets `import source from './x.wgsl'` give the file's text, in development, build and tests alike. */
export const wgsl = (): Plugin => ({
  name: 'wgsl-text',
  enforce: 'pre',
  load(id) {
    const file = id.split('?')[0] ?? id;
    if (!/\.(?:wgsl|py)$/.test(file)) return null;
    this.addWatchFile(file);
    return { code: `export default ${JSON.stringify(readFileSync(file, 'utf8'))};`, moduleType: 'js' };
  },
});
