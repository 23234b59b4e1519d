/** The page's entry: says why if it cannot work here, else starts the engine and shows the studio. */
import { EngineClient } from '../engine/client.ts';
import { workerTransport } from '../engine/workers.ts';
import { framedByAnother } from './framed.tsx';
import { mountFramed, mountStudio, mountWithoutWebgpu } from './mount.tsx';
import { workOffline } from './offline.ts';

const root = document.getElementById('root')!;
const open = () => new EngineClient(workerTransport(), workerTransport);
if (framedByAnother()) mountFramed(root);
else if ('gpu' in navigator) {
  mountStudio(root, open());
  void workOffline();
} else mountWithoutWebgpu(root, open);
