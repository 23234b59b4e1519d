/** Node's module hook for WGSL and Python: the command line imports them as text, as the page does. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Node module hook: a .wgsl or .py file becomes a module whose default export is its text. */
export async function load(url, context, next) {
  if (!/\.(?:wgsl|py)$/.test(url.split('?')[0])) return next(url, context);
  const source = await readFile(fileURLToPath(url.split('?')[0]), 'utf8');
  return { format: 'module', shortCircuit: true, source: `export default ${JSON.stringify(source)};` };
}
