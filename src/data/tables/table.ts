/** A file of rows, whatever it is written in: any row can be read again by its place, and none is kept. */
import type { RawRow } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';

/** A row as its file has it: a value in some row format, a row already told from others, or a complaint. */
export type TableRow =
  | {
      readonly line: number;
      readonly kind: 'value';
      readonly value: unknown;
      /** What the place in the file says, where the row does not: its part, its id. */
      readonly split?: string;
      readonly id?: string;
      /** Of several questions that lie in one element: which, from 0. */
      readonly phrase?: number;
    }
  | { readonly line: number; readonly kind: 'raw'; readonly raw: RawRow }
  | { readonly line: number; readonly kind: 'bad'; readonly issue: RowIssue };

export interface Table {
  /** Path of the file inside the dataset. */
  readonly file: string;
  /** For the user: “JSON Lines”, “Parquet”. */
  readonly kind: string;
  /** The format that its structure alone decides (COCO); null: that of each row. */
  readonly format: string | null;
  readonly length: number;
  /** Memory held for finding rows again. */
  readonly bytes: number;
  read(from: number, to: number): AsyncIterable<TableRow>;
  /** A picture that lies in the file itself, by the name that its rows call it. */
  picture?(name: string): Promise<Blob>;
}

/** What stands in a picture's path for a picture inside a table: `train.parquet#12/images/0`. */
export const EMBEDDED = '#';
