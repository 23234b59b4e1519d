/** JSON and JSONL files → their rows as plain values, with the place each came from. */
import { readJsonl } from '../formats/jsonl.ts';
import { fileIssue, type DatasetFile } from './files.ts';
import type { RowIssue } from './row.ts';

export interface Element {
  readonly value: unknown;
  /** 1-based: line of a JSONL file, index in a JSON list. */
  readonly line: number;
}

interface Elements {
  readonly elements: Element[];
  readonly issues: RowIssue[];
}

const LIST_KEYS = ['data', 'rows', 'samples', 'train', 'items'];

async function fromLines(file: DatasetFile, blob: Blob): Promise<Elements> {
  const elements: Element[] = [];
  const issues: RowIssue[] = [];
  for await (const line of readJsonl(blob)) {
    if (line.ok) elements.push({ value: line.value, line: line.line });
    else
      issues.push({
        file: file.path,
        line: line.line,
        field: '',
        reason: line.reason,
        fix: 'Each line must be one JSON object, in UTF-8.',
        severity: 'error',
      });
  }
  return { elements, issues };
}

/** Line and column of a JSON syntax error, where the engine gives its position. */
function placeOf(error: Error, text: string): string {
  const position = /position (\d+)/.exec(error.message);
  if (!position || /line \d+/.test(error.message)) return error.message;
  const before = text.slice(0, Number(position[1]));
  return `${error.message} (line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')})`;
}

/** Rows of one data file. A `.json` that is really JSONL is read as such. Bad content becomes issues. */
export async function readElements(file: DatasetFile): Promise<Elements> {
  const blob = await file.blob();
  if (/\.(jsonl|ndjson)$/i.test(file.path)) return fromLines(file, blob);
  const text = (await blob.text()).replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const lines = await fromLines(file, blob);
    if (lines.elements.length > 1 && lines.elements.length > lines.issues.length) return lines;
    return {
      elements: [],
      issues: [
        fileIssue(file.path, `not JSON: ${placeOf(error as Error, text)}`, 'Repair the file, or export it again.'),
      ],
    };
  }
  if (Array.isArray(value))
    return { elements: value.map((row: unknown, i) => ({ value: row, line: i + 1 })), issues: [] };
  if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>;
    const key = LIST_KEYS.find(
      (name) => Array.isArray(fields[name]) && (fields[name] as unknown[]).every((row) => typeof row === 'object'),
    );
    if (Array.isArray(fields.annotations) && Array.isArray(fields.images))
      return {
        elements: [],
        issues: [
          fileIssue(
            file.path,
            'COCO-style annotations (as MC-Bench has them) are not read yet',
            'Convert them to rows with images + conversations.',
          ),
        ],
      };
    const isRow = ['conversations', 'messages', 'question'].some((name) => Object.hasOwn(fields, name));
    if (!isRow && key)
      return { elements: (fields[key] as unknown[]).map((row, i) => ({ value: row, line: i + 1 })), issues: [] };
    if (isRow) return { elements: [{ value, line: 1 }], issues: [] };
  }
  return { elements: [], issues: [] }; // a configuration file, not rows
}
