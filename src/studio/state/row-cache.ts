/** Rows by page and by id, the ones looked at lately. A dataset may have half a million. */
import { Lru } from '../../base/lru.ts';
import type { EngineClient } from '../../engine/client.ts';
import type { Row, RowFilter } from '../../engine/protocol/index.ts';

export const PAGE = 64;
/** Pages kept, some thousand rows; the gallery holds no more. */
const PAGES_KEPT = 72;
const ROWS_KEPT = 1024;
export type Split = 'train' | 'heldout';

interface Page {
  readonly rows: readonly Row[];
  /** Rows that the filter lets through. */
  readonly total: number;
}

export class RowCache {
  readonly #client: EngineClient;
  #dataset = '';
  readonly #pending = new Lru<string, Promise<Page>>(PAGES_KEPT);
  readonly #pages = new Lru<string, Page>(PAGES_KEPT);
  readonly #rows = new Lru<string, Row>(ROWS_KEPT);

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** The row at a place, if its page is here. */
  at(dataset: string, split: Split, index: number, filter?: RowFilter): Row | undefined {
    return dataset === this.#dataset
      ? this.#pages.get(keyOf(split, Math.floor(index / PAGE), filter))?.rows[index % PAGE]
      : undefined;
  }

  /** How many rows a filter lets through, once a page of them is here. */
  total(dataset: string, split: Split, filter?: RowFilter): number | undefined {
    return dataset === this.#dataset ? this.#pages.get(keyOf(split, 0, filter))?.total : undefined;
  }

  async page(dataset: string, split: Split, page: number, filter?: RowFilter): Promise<readonly Row[]> {
    this.#use(dataset);
    const key = keyOf(split, page, filter);
    let pending = this.#pending.get(key);
    if (!pending) {
      const request = { type: 'rows', dataset, split, offset: page * PAGE, count: PAGE } as const;
      pending = this.#client.request(filter ? { ...request, filter } : request).then((reply) => {
        if (dataset === this.#dataset) this.#pages.set(key, reply);
        return reply;
      });
      pending.catch(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return (await pending).rows;
  }

  async row(dataset: string, rowId: string): Promise<Row> {
    this.#use(dataset);
    const known = this.#rows.get(rowId);
    if (known) return known;
    const row = await this.#client.request({ type: 'row', dataset, rowId });
    this.#rows.set(rowId, row);
    return row;
  }

  /** A row that is another now: in the pages that hold it, and by its id. */
  replace(dataset: string, row: Row): void {
    if (dataset !== this.#dataset) return;
    this.#rows.set(row.id, row);
    this.#pages.replace((page) =>
      page.rows.some(({ id }) => id === row.id)
        ? { ...page, rows: page.rows.map((each) => (each.id === row.id ? row : each)) }
        : page,
    );
  }

  /** Rows came or went: they are asked for anew. */
  forgetPages(): void {
    this.#pending.clear();
    this.#pages.clear();
  }

  /** All rows may be others now. */
  forget(): void {
    this.forgetPages();
    this.#rows.clear();
  }

  #use(dataset: string): void {
    if (dataset === this.#dataset) return;
    this.#dataset = dataset;
    for (const cache of [this.#pending, this.#pages, this.#rows]) cache.clear();
  }
}

const keyOf = (split: Split, page: number, filter?: RowFilter): string =>
  `${split}/${page}/${filter ? JSON.stringify(filter) : ''}`;
