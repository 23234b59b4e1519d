/** The contests in a page; bench/chromium.ts listens to its console. */
import { openGpu } from '../src/gpu/device.ts';
import { Session } from '../src/gpu/recorder.ts';
import { race } from './contest.ts';
import { contests, openPeer } from './contests.ts';

const query = new URLSearchParams(location.search);
await openPeer();
const gpu = await openGpu(navigator.gpu, { onError: console.error });
const session = new Session(gpu);
const only = new RegExp(query.get('only') ?? '');
for (const contest of contests({ session, f16: gpu.features.f16 })) {
  if (!only.test(contest.name)) continue;
  const row = await race(contest, `${gpu.name} (Chromium)`, Number(query.get('rounds')));
  console.log(`row ${JSON.stringify(row)}`);
}
console.log('finished');
