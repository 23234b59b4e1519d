/**
 * Checks what `vite build` wrote: the JavaScript that the page needs before it shows anything stays small (the engine
 * is a worker of its own and comes later), and every file of public/ is there as it is.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './house.mjs';

/** Bytes of gzipped JavaScript before the first paint. */
const limit = 150_000;

const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, '.cache', 'build-manifest.json'), 'utf8'));
const entry = Object.values(manifest).find((chunk) => chunk.isEntry);

const initial = new Set();
const visit = (chunk) => {
  if (initial.has(chunk.file)) return;
  initial.add(chunk.file);
  for (const key of chunk.imports ?? []) visit(manifest[key]);
};
visit(entry);

const sizes = [...initial].map((file) => ({ file, bytes: gzipSync(readFileSync(join(dist, file))).length }));
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
for (const { file, bytes } of sizes.sort((a, b) => b.bytes - a.bytes))
  console.log(`${String(bytes).padStart(9)}  ${file}`);
console.log(`${String(total).padStart(9)}  bytes gzipped before the first paint (at most ${limit})`);

const digest = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const publicFolder = join(root, 'public');
const files = existsSync(publicFolder)
  ? readdirSync(publicFolder, { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .map((item) => relative(publicFolder, join(item.parentPath ?? item.path, item.name)))
  : [];
const missing = files.filter(
  (file) => !existsSync(join(dist, file)) || digest(join(dist, file)) !== digest(join(publicFolder, file)),
);
console.log(
  `${String(files.length).padStart(9)}  files of public/, ${missing.length} missing or changed ${missing.join(' ')}`,
);

if (total > limit) console.error('The first load is too heavy: import what is not needed at once with import().');
process.exitCode = total > limit || missing.length > 0 ? 1 : 0;
