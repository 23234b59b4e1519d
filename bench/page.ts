/** The contests in a page; bench/chromium.ts listens to its console. */
import { runContests } from './bench.ts';

const query = new URLSearchParams(location.search);
const text = (name: string) => query.get(name) ?? '';
await runContests(
  { gpu: navigator.gpu, name: ' (Chromium)' },
  { only: text('only'), against: text('against'), rounds: Number(text('rounds')), seconds: Number(text('seconds')) },
  (row) => console.log(`row ${JSON.stringify(row)}`),
);
console.log('finished');
