/** The whole engine under Node, with its events and the buffers it holds. */
import { openAsBlob } from 'node:fs';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import type { EngineEvent } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Storage } from '../../src/store/storage.ts';

/** Counts the buffers of a device that were made and not destroyed. */
function watch(gpu: Gpu): Set<GPUBuffer> {
  const alive = new Set<GPUBuffer>();
  const create = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    alive.add(buffer);
    return buffer;
  };
  return alive;
}

/** @param storage of a visit before; default: memory of its own */
export function openEngine(storage?: Storage) {
  const events: EngineEvent[] = [];
  const errors: string[] = [];
  let buffers = new Set<GPUBuffer>();
  let onEvent: (event: EngineEvent) => void = () => {};
  const session = new EngineSession({
    openGpu: async () => {
      const gpu = await openNodeGpu({ onError: (message) => errors.push(message) });
      buffers = watch(gpu);
      return gpu;
    },
    fetchFile: (url) => openAsBlob(url),
    ...(storage && { storage }),
    emit: (event) => {
      events.push(event);
      onEvent(event);
    },
  });
  return {
    session,
    events,
    errors,
    labels: () => [...buffers].map((buffer) => buffer.label),
    /** Calls once, at the first event that fits. */
    once: (fits: (event: EngineEvent) => boolean, then: () => void) => {
      onEvent = (event) => {
        if (!fits(event)) return;
        onEvent = () => {};
        then();
      };
    },
    of: <T extends EngineEvent['type']>(type: T) =>
      events.filter((e): e is Extract<EngineEvent, { type: T }> => e.type === type),
  };
}
