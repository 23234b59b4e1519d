/** The engines that jobs can be written for: a module and a line each. */
import type { EngineWriter } from './job.ts';
import { trl } from './trl/writer.ts';

export const ENGINES = { trl } as const satisfies Readonly<Record<string, EngineWriter>>;

export type EngineName = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as readonly EngineName[];
