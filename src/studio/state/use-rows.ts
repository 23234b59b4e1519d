/** Rows in sight: loads their pages and renders again when they are here. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { Row, RowFilter } from '../../engine/protocol/index.ts';
import { problemOf } from '../problem.ts';
import { PAGE, type Split } from './row-cache.ts';
import { useProject, useRun, useStudio } from './studio.ts';

export interface RowsInSight {
  at(index: number): Row | undefined;
  /** Rows that the filter lets through; undefined until the first page is here. */
  readonly total: number | undefined;
  /** Loads the pages that hold these rows. */
  want(from: number, to: number): void;
}

/** `filter`: the same object as long as it says the same. */
export function useRows(dataset: string, split: Split, filter?: RowFilter): RowsInSight {
  const { rows } = useStudio();
  const report = useProject((project) => project.report);
  const [, arrived] = useReducer((n: number) => n + 1, 0);
  const edited = useEdited(dataset);
  const sight = useRef<[from: number, to: number]>([0, 1]);
  const want = useCallback(
    (from: number, to: number) => {
      sight.current = [from, to];
      for (let page = Math.floor(from / PAGE); page * PAGE < Math.max(to, from + 1); page++) {
        if (rows.at(dataset, split, page * PAGE, filter)) continue;
        rows.page(dataset, split, page, filter).then(arrived, (error) => report(problemOf(error)));
      }
    },
    [rows, dataset, split, filter, report],
  );
  // What was in sight is asked for anew once rows were edited.
  useEffect(() => {
    if (edited > 0) want(...sight.current);
  }, [edited, want]);
  return {
    at: (index) => rows.at(dataset, split, index, filter),
    total: rows.total(dataset, split, filter),
    want,
  };
}

/** How often the open dataset was edited: rows are read anew when it changes. */
const useEdited = (dataset: string | null): number =>
  useProject((project) => (project.dataset?.id === dataset ? (project.dataset?.edits?.entries ?? 0) : 0));

/** One row by its id, or null until it is here. */
export function useRow(dataset: string | null, rowId: string | null): Row | null {
  const { rows } = useStudio();
  const [row, setRow] = useState<Row | null>(null);
  const edited = useEdited(dataset);
  useEffect(() => {
    if (!dataset || !rowId) return setRow(null);
    let live = true;
    rows.row(dataset, rowId).then(
      (found) => live && setRow(found),
      () => live && setRow(null),
    );
    return () => void (live = false);
  }, [rows, dataset, rowId, edited]);
  return row?.id === rowId ? row : null;
}

/** A row of the run in view: the run file has those it shows, the engine all of an open dataset. */
export function useRunRow(rowId: string | null): Row | null {
  const opened = useRun((run) => run.opened);
  const dataset = useRun((run) => run.dataset);
  const inFile = opened?.file.rows.find((row) => row.id === rowId) ?? null;
  const asked = useRow(inFile ? null : dataset, rowId);
  return inFile ?? asked;
}
