/** The engine in a browser worker. */
import { describeError, GroundworkError } from '../base/error.ts';
import { ofThisBuild } from '../base/own-files.ts';
import { openGpu } from '../gpu/device.ts';
import { supportedProfiles, type Profile } from '../gpu/tuning.ts';
import { idbRecords } from '../store/idb-records.ts';
import { opfsFiles } from '../store/opfs-files.ts';
import { memoryStorage, type Storage } from '../store/storage.ts';
import { holdLife, sleepNotice, takeLock, watchSleep } from './life.ts';
import { LISTENING, type EngineRequest, type FromEngine } from './protocol/messages.ts';
import { EngineSession } from './session.ts';
import { chosenProfile, tuneGpu } from './device/tuned-gpu.ts';

/** Times a file of the app is asked for. */
const FETCHES = 2;

const post = (message: FromEngine, transfer: Transferable[] = []): void => self.postMessage(message, { transfer });

const openStorage = async (): Promise<Storage> => {
  try {
    await navigator.storage.getDirectory();
    return { records: await idbRecords(), files: opfsFiles('groundwork') };
  } catch (error) {
    const { message } = describeError(error);
    post({
      kind: 'event',
      event: {
        type: 'notice',
        message: `This browser stores nothing for this page (${message}). A run will be lost when the page is reloaded.`,
      },
    });
    return memoryStorage();
  }
};

const unreachable = (url: string, cause: unknown) =>
  new GroundworkError(
    'fetch-failed',
    `${url} could not be downloaded.`,
    'Check that the app’s files are complete and its server is running.',
    { cause },
  );

/** A connection may break off at the first byte and at the last: a file that did not come whole is asked for again. */
async function fetchFile(url: string): Promise<Blob> {
  for (let attempt = 1; ; attempt++)
    try {
      const response = await fetch(ofThisBuild(url));
      // A dev server answers unknown paths with its index page.
      if (response.ok && !response.headers.get('content-type')?.includes('text/html')) return await response.blob();
      break;
    } catch (cause) {
      if (attempt === FETCHES) throw unreachable(url, cause);
    }
  throw new GroundworkError(
    'fetch-failed',
    `${url} is missing.`,
    'The app’s own files are incomplete. Install it again.',
  );
}

const openSession = async () => {
  const storage = await openStorage();
  return new EngineSession({
    storage,
    takeLock,
    openGpu: async () => {
      const gpu = await openGpu(navigator.gpu, {
        onError: (message) =>
          post({
            kind: 'event',
            event: {
              type: 'failure',
              code: 'gpu-error',
              message,
              hint: 'The graphics driver refused a command. What was computed since may be wrong. Stop the run and reload the page.',
            },
          }),
      });
      const { records } = storage;
      // A profile that this adapter cannot run, chosen when it could, is none.
      const choice = await chosenProfile(records);
      return tuneGpu(gpu, records, supportedProfiles(gpu).includes(choice as Profile) ? choice : 'auto');
    },
    fetchFile,
    emit: (event) => post({ kind: 'event', event }),
  });
};

// Messages come before the storage is open: they wait for the session, not for its module.
const session = openSession();

holdLife(self.name, () => post({ kind: 'alive' }));
watchSleep(
  (minutes) =>
    void session.then(({ state }) =>
      post({ kind: 'event', event: { type: 'notice', message: sleepNotice(minutes, state) } }),
    ),
);

type Asked = { readonly id: number; readonly request: EngineRequest };

self.addEventListener('message', (message: MessageEvent<Asked | typeof LISTENING>) => {
  if (message.data === LISTENING) return post({ kind: 'heard' });
  const { id, request } = message.data;
  session
    .then((engine) => engine.handle(request))
    .then(
      (value) => post({ kind: 'reply', id, value }, transferables(value)),
      (error: unknown) => post({ kind: 'error', id, ...describeError(error) }),
    );
});

/** Streams must be moved, not copied. */
function transferables(value: unknown): Transferable[] {
  const stream = (value as { stream?: unknown } | null)?.stream;
  return stream instanceof ReadableStream ? [stream as unknown as Transferable] : [];
}
