/** The page's entry: says why if the browser cannot, else starts the engine and shows the studio. */
import { EngineClient } from '../engine/client.ts';
import { workerTransport } from '../engine/workers.ts';
import { mountStudio, mountWithoutWebgpu } from './mount.tsx';
import { workOffline } from './offline.ts';

const root = document.getElementById('root')!;
const open = () => new EngineClient(workerTransport(), workerTransport);
if ('gpu' in navigator) {
  mountStudio(root, open());
  void workOffline();
} else mountWithoutWebgpu(root, open);
