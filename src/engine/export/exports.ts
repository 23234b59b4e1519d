/** Exports on their way to the disk: as a zip that the page saves, or into a folder that it was given; then the check. */
import { GroundworkError } from '../../base/error.ts';
import { writeZip } from '../../formats/zip.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import { ExportRecord } from './export-check.ts';
import { writeExportFolder } from './export-folder.ts';
import type {
  ExportCheck,
  ExportChoice,
  ExportEvent,
  ExportObstacles,
  ExportReplies,
  ExportRequest,
} from '../protocol/export.ts';
import type { Handlers } from '../protocol/messages.ts';
import type { LoadingEvent } from '../protocol/words.ts';

/** Milliseconds from one word on the progress to the next. */
const NEWS_MS = 100;

export interface ExportsHost {
  files(choice: ExportChoice): Promise<OutputFile[]>;
  obstacles(): Promise<ExportObstacles>;
  emit(event: ExportEvent | LoadingEvent): void;
}

export class Exports {
  readonly #host: ExportsHost;
  /** The last of each kind, for the check after it was written. */
  readonly #records = new Map<ExportChoice['what'], ExportRecord>();
  #stop: () => void = () => {};

  constructor(host: ExportsHost) {
    this.#host = host;
  }

  readonly handlers: Handlers<ExportRequest> = {
    export: (choice) => this.#zip(choice),
    'export-folder': async (request) => ({ bytes: await this.#folder(request, request.folder) }),
    'export-obstacles': () => this.#host.obstacles(),
    'cancel-export': async () => {
      this.#stop();
      return null;
    },
    'check-export': async ({ what, written }) => this.#check(what, written),
  };

  async #zip(choice: ExportChoice): Promise<ExportReplies['export']> {
    const record = await this.#record(choice);
    return {
      fileName: `groundwork-${choice.what}.zip`,
      stream: writeZip(record.files() as Parameters<typeof writeZip>[0]),
      weightBytes: record.weightBytes,
    };
  }

  async #folder(choice: ExportChoice, folder: FileSystemDirectoryHandle): Promise<number> {
    const stop = new AbortController();
    this.#stop = () =>
      stop.abort(new GroundworkError('cancelled', 'Writing was stopped.', 'What was written was removed.'));
    const record = await this.#record(choice);
    let told = 0;
    let [at, written] = ['', 0];
    const tell = () =>
      this.#host.emit({ type: 'exporting', bytes: written, weightBytes: record.weightBytes, path: at });
    return writeExportFolder(folder, record.files(), {
      signal: stop.signal,
      onFile: (path) => {
        at = path;
        tell();
      },
      onBytes: (bytes) => {
        written = bytes;
        const now = performance.now();
        if (now - told < NEWS_MS) return;
        told = now;
        tell();
      },
    });
  }

  async #record(choice: ExportChoice): Promise<ExportRecord> {
    const record = new ExportRecord(await this.#host.files(choice));
    this.#records.set(choice.what, record);
    return record;
  }

  #check(what: ExportChoice['what'], written: Blob | FileSystemDirectoryHandle): Promise<ExportCheck> {
    const record = this.#records.get(what);
    if (!record)
      throw new GroundworkError(
        'export-missing',
        'There is no export of this session to compare the files with.',
        'Write it again. It is checked right afterwards.',
      );
    return record.check(written, (path, done, total) => this.#host.emit({ type: 'loading', what: path, done, total }));
  }
}
