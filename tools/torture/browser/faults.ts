/**
 * Loaded before the engine, in its worker. It counts the engine's units of work and its changes of storage. Where a
 * fault is due, it makes it, or asks the campaign for it and stands still until it is answered; to what ends the worker
 * there is no answer.
 */
import type { EngineEvent, FromEngine } from '../../../src/engine/protocol/messages.ts';
import type { BrowserWay, Kill } from '../kills.ts';
import { isUnit } from '../timeless.ts';

export interface Fault extends Pick<Kill<BrowserWay>, 'number' | 'way' | 'moment' | 'seed'> {
  /** Units of work that the run has told by then, and changes of storage after them. */
  readonly units: number;
  readonly changes: number;
}

/** What the campaign is told when a fault comes to pass. */
export interface Struck {
  readonly number: number;
  /** Index of the stage under way; -1: none has begun. */
  readonly stage: number;
}

export interface Tally {
  readonly units: number;
  readonly changes: number;
  /** Of the device's buffers that are alive. */
  readonly gpuBytes: number;
}

/** What the campaign may ask of the worker. */
export interface Torture {
  /** @param clockMs by which the clock is wrong from the start */
  arm(faults: readonly Fault[], clockMs: number): void;
  tally(): Tally;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let faults: Fault[] = [];
let [units, changes, passed, stage] = [0, 0, 0, -1];
let clock = 0;
let device: GPUDevice | null = null;

const now = Date.now.bind(Date);
Date.now = () => now() + clock;

/** Returns when it is answered; nothing of this worker runs until then. */
function tell(what: string, body: unknown): void {
  const request = new XMLHttpRequest();
  request.open('POST', `${self.location.origin}/torture/${what}`, false);
  request.send(JSON.stringify(body));
}

function strike(fault: Fault): void {
  const { number, way, seed } = fault;
  if (way === 'clock') clock += seed % 2 === 0 ? DAY_MS : -DAY_MS;
  if (way === 'frozen') clock += MINUTE_MS;
  if (way === 'device') device?.destroy();
  tell('struck', { number, stage } satisfies Struck);
}

/** At each change of storage: the fault that is due in its middle. One that is due a while later is made then. */
function reached(): Fault | null {
  changes++;
  const fault = faults[0];
  if (!fault || units < fault.units || passed++ < fault.changes) return null;
  faults.shift();
  passed = 0;
  if (fault.moment === 'inside') return fault;
  setTimeout(() => strike(fault), fault.moment);
  return null;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A change that has no middle: the fault comes before it or behind it. */
function watch(prototype: object, names: readonly string[]): void {
  const methods = prototype as Record<string, Method>;
  for (const name of names) {
    const real = methods[name]!;
    methods[name] = function (...args) {
      const fault = reached();
      if (fault && fault.seed % 2 === 0) strike(fault);
      const result = real.apply(this, args);
      if (fault && fault.seed % 2 === 1) strike(fault);
      return result;
    };
  }
}

watch(FileSystemSyncAccessHandle.prototype, ['truncate', 'flush', 'close']);
watch(FileSystemFileHandle.prototype, ['createWritable', 'move']);
watch(FileSystemDirectoryHandle.prototype, ['removeEntry']);
watch(FileSystemWritableFileStream.prototype, ['write', 'close']);
watch(IDBObjectStore.prototype, ['put', 'add', 'delete', 'clear']);

const write = FileSystemSyncAccessHandle.prototype.write;
FileSystemSyncAccessHandle.prototype.write = function (data, options) {
  const fault = reached();
  if (!fault) return write.call(this, data, options);
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  // Torn: what comes of the other half depends on the fault.
  const middle = bytes.length >> 1;
  write.call(this, bytes.subarray(0, middle), options);
  strike(fault);
  return middle + write.call(this, bytes.subarray(middle), { at: (options?.at ?? 0) + middle });
};

const requestDevice = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  return (device = await requestDevice.call(this, descriptor));
};

function hear(event: EngineEvent): void {
  if (event.type === 'stage' && event.status === 'started') stage = event.index;
  if (event.type === 'restored') {
    units = event.events.filter(isUnit).length;
    for (const each of event.events) if (each.type === 'stage') stage = each.index;
  }
  if (isUnit(event)) units++;
  // Told before the page is: what was promised to a person must outlive whatever comes next.
  if (event.type === 'checkpoint') tell('promised', { events: event.events });
}

let gpuBytes = 0;
const alive = new WeakSet<GPUBuffer>();
const createBuffer = GPUDevice.prototype.createBuffer;
GPUDevice.prototype.createBuffer = function (descriptor) {
  const buffer = createBuffer.call(this, descriptor);
  alive.add(buffer);
  gpuBytes += buffer.size;
  return buffer;
};
const destroy = GPUBuffer.prototype.destroy;
GPUBuffer.prototype.destroy = function () {
  if (alive.delete(this)) gpuBytes -= this.size;
  return destroy.call(this);
};

const post = self.postMessage.bind(self) as (message: FromEngine, ...rest: unknown[]) => void;
self.postMessage = (message: FromEngine, ...rest: unknown[]) => {
  if (message.kind === 'event') hear(message.event);
  post(message, ...rest);
};

(globalThis as unknown as { torture: Torture }).torture = {
  arm: (next, clockMs) => {
    faults = [...next];
    clock = clockMs;
    passed = 0;
  },
  tally: () => ({ units, changes, gpuBytes }),
};
