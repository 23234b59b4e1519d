/** Everything that outlives the engine: records for small things, files for bytes. */
import { fileRecords } from './file-records.ts';
import type { FileStore } from './file-store.ts';
import { memoryFiles } from './memory-files.ts';
import type { Records } from './records.ts';

export interface Storage {
  readonly records: Records;
  readonly files: FileStore;
}

/** Records and bytes side by side in files. */
export const storageInFiles = (files: FileStore): Storage => ({ files, records: fileRecords(files) });

/** For an engine that was given none: device losses are survived, the end of the process is not. */
export const memoryStorage = (): Storage => storageInFiles(memoryFiles());
