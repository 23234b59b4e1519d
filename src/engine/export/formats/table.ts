/** The forms in which a model or an adapter leaves the studio: a module and a line each. */
import type { ExportKind } from '../../protocol/export.ts';
import { adapter } from './adapter.ts';
import type { ExportFormat } from './format.ts';
import { ggufAdapter } from './gguf-adapter.ts';
import { gguf } from './gguf.ts';
import { merged } from './merged.ts';

export const EXPORT_FORMATS: Readonly<Record<ExportKind, ExportFormat>> = {
  adapter,
  merged,
  gguf,
  'gguf-adapter': ggufAdapter,
};
