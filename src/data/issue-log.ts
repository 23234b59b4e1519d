/** All that is wrong with a dataset, packed: a broken file may have as many complaints as rows. */
import { Column, TextColumn } from '../base/columns.ts';
import { csvLine, csvText } from '../base/csv.ts';
import { MAX_SKIPPED_LISTED, type SkippedRow, type SkippedRows } from './dataset-ref.ts';
import type { RowIssue } from './row.ts';

export type Severity = RowIssue['severity'];

export class IssueLog {
  readonly #texts = new TextColumn();
  readonly #isError = new Column(Uint8Array);
  #errors = 0;
  /** Rows that could not be read, so that they were left out. */
  leftOut = 0;

  get count(): number {
    return this.#texts.length;
  }

  get errors(): number {
    return this.#errors;
  }

  get bytes(): number {
    return this.#texts.bytes + this.#isError.bytes;
  }

  add(issues: readonly RowIssue[]): void {
    for (const issue of issues) {
      this.#texts.push(JSON.stringify(issue));
      this.#isError.push(issue.severity === 'error' ? 1 : 0);
      if (issue.severity === 'error') this.#errors++;
    }
  }

  get(i: number): RowIssue {
    return JSON.parse(this.#texts.get(i)) as RowIssue;
  }

  /** `count` of those with a severity from the `offset`-th, in the order of the files. */
  page(offset: number, count: number, severity?: Severity): RowIssue[] {
    const page: RowIssue[] = [];
    let seen = 0;
    for (let i = 0; i < this.count && page.length < count; i++) {
      if (severity !== undefined && (this.#isError.get(i) === 1) !== (severity === 'error')) continue;
      if (seen++ >= offset) page.push(this.get(i));
    }
    return page;
  }

  /** The rows that are left out, each with the first reason. */
  skipped(): SkippedRows {
    const list: SkippedRow[] = [];
    for (let i = 0; i < this.count && list.length < MAX_SKIPPED_LISTED; i++) {
      if (!this.#isError.get(i)) continue;
      const { file, line, field, reason } = this.get(i);
      const last = list.at(-1);
      if (line > 0 && !(last?.file === file && last.line === line)) list.push({ file, line, field, reason });
    }
    return { rows: this.leftOut, list };
  }

  /** As a file for other programs, in pieces. */
  async *write(as: 'csv' | 'json'): AsyncGenerator<string> {
    const columns = ['severity', 'file', 'line', 'field', 'reason', 'fix'] as const;
    yield as === 'csv' ? csvLine(columns) : '[\n';
    for (let i = 0; i < this.count; i++) {
      const issue = this.get(i);
      yield as === 'csv'
        ? csvLine(columns.map((name) => csvText(String(issue[name]))))
        : `  ${JSON.stringify(issue)}${i + 1 < this.count ? ',' : ''}\n`;
    }
    if (as === 'json') yield ']\n';
  }
}
