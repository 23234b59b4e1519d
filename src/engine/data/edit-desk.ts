/** The engine's desk for edits: lays them over an open dataset, keeps them with a project, writes and takes files of them. */
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import { applyChange, rowDigest } from '../../data/edits/change.ts';
import { historyOf, readEdits, writeEdits, type EditEntry } from '../../data/edits/edit-log.ts';
import type { DatasetRequest, DatasetReport, RowEdit } from '../protocol/dataset.ts';
import type { Handlers } from '../protocol/messages.ts';
import type { EditKeeper } from './datasets.ts';

export type EditRequest = Extract<
  DatasetRequest,
  { readonly type: 'edit-rows' | 'edit-history' | 'edits-file' | 'take-edits' }
>;

export class EditDesk {
  readonly #get: (id: string) => Dataset;
  readonly #replace: (dataset: Dataset) => void;
  readonly #keeper: EditKeeper;
  /** Edits take turns: each is judged by the rows that the one before has left. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param replace puts a dataset in the place of the one with its id */
  constructor(get: (id: string) => Dataset, replace: (dataset: Dataset) => void, keeper: EditKeeper) {
    this.#get = get;
    this.#replace = replace;
    this.#keeper = keeper;
  }

  /** A dataset with the edits of a project over it. */
  async over(dataset: Dataset, project: string | null | undefined): Promise<Dataset> {
    const entries = project ? await this.#keeper.read(project) : [];
    return entries.length > 0 ? dataset.withEdits(entries) : dataset;
  }

  readonly handlers: Handlers<EditRequest> = {
    'edit-rows': ({ dataset, project, edits }) =>
      this.#inTurn(async () => this.#add(dataset, project, await entriesOf(this.#get(dataset), edits, Date.now()))),
    'edit-history': async ({ dataset }) => historyOf(this.#get(dataset).edits),
    'edits-file': async ({ dataset }) => {
      const { edits, report } = this.#get(dataset);
      return {
        fileName: `${fileWords(report.name)}.edits.jsonl`,
        stream: textStream([writeEdits(report.name, edits)].values()),
      };
    },
    'take-edits': ({ dataset, project, file }) =>
      this.#inTurn(async () => this.#add(dataset, project, readEdits(await file.file.text(), file.path))),
  };

  async #add(id: string, project: string | null, added: readonly EditEntry[]): Promise<DatasetReport> {
    const before = this.#get(id);
    if (project !== null) this.#keeper.requireOwned(project);
    const edited = await before.withEdits([...before.edits, ...added]);
    if (project !== null) await this.#keeper.append(project, before.edits.length, added);
    this.#replace(edited);
    return edited.report;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** What is to be kept of edits. Throws `row-missing` and `edit-refused` for the first that does not fit. */
async function entriesOf(dataset: Dataset, edits: readonly RowEdit[], at: number): Promise<EditEntry[]> {
  const entries: EditEntry[] = [];
  let edited = dataset;
  /** Rows whose edits are not in `edited` yet. Many edits of a row each are laid over them at once. */
  const ahead = new Set<string>();
  for (const edit of edits) {
    if (entries.length > 0 && (edit.kind !== 'change' || ahead.has(edit.row))) {
      edited = await dataset.withEdits([...dataset.edits, ...entries]);
      ahead.clear();
    }
    if (edit.kind !== 'change') entries.push({ kind: edit.kind, at });
    else {
      const [untouched, now] = [await dataset.untouchedRow(edit.row), await edited.row(edit.row)];
      if (!untouched || !now)
        throw new GroundworkError(
          'row-missing',
          `There is no row ${edit.row}.`,
          'The dataset may have changed. Open it again.',
        );
      const changed = applyChange({ row: now, excluded: now.edits?.excluded ?? null }, edit.change);
      if (!changed.ok)
        throw new GroundworkError('edit-refused', `This edit does not fit: ${changed.why}.`, 'Nothing was changed.');
      entries.push({ kind: 'change', at, row: edit.row, digest: rowDigest(untouched), change: edit.change });
      ahead.add(edit.row);
    }
  }
  return entries;
}

export function textStream(pieces: Iterator<string> | AsyncIterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
  });
}
