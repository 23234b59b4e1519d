/** The page's entry: says why if the browser cannot, else starts the engine and shows the studio. */
import { EngineClient, workerTransport } from '../engine/client.ts';
import { mountStudio, mountWithoutWebgpu } from './mount.tsx';

const root = document.getElementById('root')!;
if ('gpu' in navigator) mountStudio(root, new EngineClient(workerTransport()));
else mountWithoutWebgpu(root);
