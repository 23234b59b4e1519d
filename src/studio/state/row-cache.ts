/** Rows by page and by id, asked for once. A dataset may have half a million; only what was looked at is here. */
import type { EngineClient } from '../../engine/client.ts';
import type { Row } from '../../engine/protocol.ts';

export const PAGE = 64;
export type Split = 'train' | 'heldout';

export class RowCache {
  readonly #client: EngineClient;
  #dataset = '';
  #pages = new Map<string, Promise<readonly Row[]>>();
  #rows = new Map<string, Row>();
  #byIndex = new Map<string, Row>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** The row at a place, if its page is here. */
  at(dataset: string, split: Split, index: number): Row | undefined {
    return dataset === this.#dataset ? this.#byIndex.get(`${split}/${index}`) : undefined;
  }

  page(dataset: string, split: Split, page: number): Promise<readonly Row[]> {
    this.#use(dataset);
    const key = `${split}/${page}`;
    let pending = this.#pages.get(key);
    if (!pending) {
      pending = this.#client
        .request({ type: 'rows', dataset, split, offset: page * PAGE, count: PAGE })
        .then(({ rows }) => {
          rows.forEach((row, i) => {
            this.#rows.set(row.id, row);
            this.#byIndex.set(`${split}/${page * PAGE + i}`, row);
          });
          return rows;
        });
      pending.catch(() => this.#pages.delete(key));
      this.#pages.set(key, pending);
    }
    return pending;
  }

  async row(dataset: string, rowId: string): Promise<Row> {
    this.#use(dataset);
    const known = this.#rows.get(rowId);
    if (known) return known;
    const row = await this.#client.request({ type: 'row', dataset, rowId });
    this.#rows.set(rowId, row);
    return row;
  }

  #use(dataset: string): void {
    if (dataset === this.#dataset) return;
    this.#dataset = dataset;
    this.#pages = new Map();
    this.#rows = new Map();
    this.#byIndex = new Map();
  }
}
