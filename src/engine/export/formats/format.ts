/** What a form is in which a model or an adapter leaves the studio. */
import type { OutputFile } from '../../../train/checkpoint-folder.ts';
import type { MergedAdapter } from '../../../train/merged-rows.ts';
import type { NamedModel } from '../../model/model-holder.ts';
import type { ExportChoice } from '../../protocol/export.ts';

export interface ExportedFiles {
  readonly files: readonly OutputFile[];
  /** Tensors of the checkpoint that no file has. */
  readonly leftOut?: readonly string[];
}

export interface ExportFormat {
  /** Whether it is nothing without something learnt. */
  readonly needsLearnt: boolean;
  /** Why it cannot be written, in whole sentences, known before anything is; empty: it can. */
  obstacles(model: NamedModel, parts: readonly MergedAdapter[]): Promise<readonly string[]>;
  /** Each file is produced when it is read. `parts`: what was learnt, each on what the one before left. */
  files(model: NamedModel, parts: readonly MergedAdapter[], choice: ExportChoice): Promise<ExportedFiles>;
}
