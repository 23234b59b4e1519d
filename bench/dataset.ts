/**
 * What a dataset costs in memory: heap and resident bytes before, while and after it is opened, read through and
 * searched.
 *
 *   node --expose-gc --import ./scripts/register.mjs bench/dataset.ts [rows] [pictures] [GiB]
 */
import { fileBlob } from '../src/cli/file-blob.ts';
import { openDataset } from '../src/data/dataset.ts';
import { span } from '../src/data/row-list.ts';
import { sparseDataset } from '../tests/data/sparse-dataset.ts';

const [rows = 50_000, pictures = 40_000, gib = 10] = process.argv.slice(2).map(Number);
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1).padStart(8)} MiB`;

function look(what: string): void {
  globalThis.gc?.();
  const { heapUsed, rss, arrayBuffers } = process.memoryUsage();
  console.log(`${what.padEnd(34)} heap ${mib(heapUsed)}   typed arrays ${mib(arrayBuffers)}   resident ${mib(rss)}`);
}

const archive = await sparseDataset({ rows, pictures, bytes: gib * 2 ** 30 });
try {
  look('before');
  const started = performance.now();
  let peak = 0;
  const file = fileBlob(archive.path);
  const dataset = await openDataset(
    'large',
    [{ path: 'large.zip', file }],
    {},
    {
      tell: () => (peak = Math.max(peak, process.memoryUsage().heapUsed)),
    },
  );
  const seconds = (performance.now() - started) / 1000;
  look('opened, checked and counted');
  const train = dataset.rows('train');
  for (let from = 0; from < train.length; from += 64) await train.read(span(train, from, from + 64));
  look('every row read');
  await dataset.select('train', { text: 'number 7 ' });
  look('searched');
  const { held, report } = dataset;
  console.log(
    `${report.train + report.heldout} rows, ${report.images} pictures used, ${(file.size / 2 ** 30).toFixed(1)} GiB; ${seconds.toFixed(1)} s to open; heap at most ${mib(peak).trim()} between collections`,
  );
  console.log(
    `index ${mib(held.indexBytes).trim()}, ${(held.indexBytes / (rows + pictures)).toFixed(0)} bytes a row or picture; ${held.rows} parsed rows held`,
  );
} finally {
  await archive.remove();
}
