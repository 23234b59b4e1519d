/** Edits of a file on disk, laid over an open dataset. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { DatasetReport } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';

export const takeEdits = async (session: EngineSession, dataset: string, file: string): Promise<DatasetReport> =>
  session.handle({
    type: 'take-edits',
    dataset,
    project: null,
    file: { path: basename(file), file: await openAsBlob(file) },
  });
