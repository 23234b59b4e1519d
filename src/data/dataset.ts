/** An opened dataset: what the engine serves rows and pictures from. */
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import type { NamedFile } from './files.ts';
import { takeIn, type IntakeOptions } from './intake.ts';
import type { Row, RowIssue } from './row.ts';

/** engine/protocol's DatasetReport, with the decisions that were made for the user. */
export interface DatasetReport {
  readonly id: string;
  readonly name: string;
  readonly format: string;
  readonly train: number;
  readonly heldout: number;
  /** Pictures the rows use. */
  readonly images: number;
  readonly tasks: Readonly<Record<string, number>>;
  readonly issues: readonly RowIssue[];
  readonly notes: readonly string[];
}

export interface Dataset {
  readonly report: DatasetReport;
  /** In file order. */
  rows(split: Row['split']): readonly Row[];
  row(id: string): Row | null;
  /** A picture's file. Throws `image-missing`. */
  image(path: string): Promise<Blob>;
  /** A picture's size as shown; null if it cannot be told. */
  naturalSize(path: string): Promise<Size | null>;
}

/** A page lists them all, and nobody reads the thousand-and-first. */
const MAX_ISSUES = 1000;

/** FNV-1a, 32 bits: the same files give the same id. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

function shown(issues: readonly RowIssue[], notes: string[]): readonly RowIssue[] {
  if (issues.length <= MAX_ISSUES) return issues;
  notes.push(`${issues.length} problems were found; the first ${MAX_ISSUES} are listed, errors before warnings.`);
  const rank = ({ severity }: RowIssue) => (severity === 'error' ? 0 : 1);
  return [...issues].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_ISSUES);
}

/** Opens dropped files. Bad content is in `report.issues`; never throws for it. */
export async function openDataset(
  name: string,
  dropped: readonly NamedFile[],
  options: IntakeOptions = {},
): Promise<Dataset> {
  const { rows, issues, notes, format, files, sizeOf } = await takeIn(dropped, options);
  const bySplit = {
    train: rows.filter(({ split }) => split === 'train'),
    heldout: rows.filter(({ split }) => split === 'heldout'),
  };
  const byId = new Map(rows.map((row) => [row.id, row]));
  const tasks: Record<string, number> = {};
  for (const { task } of rows) tasks[task] = (Object.hasOwn(tasks, task) ? tasks[task]! : 0) + 1;
  const allNotes = [...notes];
  const report: DatasetReport = {
    id: hash([name, ...[...files.values()].map(({ path, size }) => `${path}:${size}`)].join('\n')),
    name,
    format,
    train: bySplit.train.length,
    heldout: bySplit.heldout.length,
    images: new Set(rows.flatMap(({ images }) => images)).size,
    tasks,
    issues: shown(issues, allNotes),
    notes: allNotes,
  };
  return {
    report,
    rows: (split) => bySplit[split],
    row: (id) => byId.get(id) ?? null,
    image: async (path) => {
      const file = files.get(path);
      if (!file)
        throw new GroundworkError(
          'image-missing',
          `The dataset has no picture ${path}.`,
          'Drop the dataset again with its pictures.',
        );
      return file.blob();
    },
    naturalSize: sizeOf,
  };
}
