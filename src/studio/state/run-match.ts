/** Whether what is open and loaded is what a run from a file was made on. */
import type { StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { DatasetOptions, DatasetReport, RunIdentity } from '../../engine/protocol/index.ts';
import type { Project } from './project.ts';
import { sameDataset, type DatasetName, type DatasetReading, type RunFile } from './run-records.ts';
import type { Run } from './run.ts';

/** `unknown`: nothing is open to compare, or the file does not say. */
type Match = 'same' | 'other' | 'unknown';

export type RunMatch = { readonly [part in keyof RunIdentity]: Match };

/** By digest; older files have none, and their dataset is known by name and size. */
export function matchOf(
  { madeOn, dataset: named }: Pick<RunFile, 'madeOn' | 'dataset'>,
  open: { readonly [part in keyof RunIdentity]: string | null },
  dataset: DatasetName | null,
): RunMatch {
  const by = (part: keyof RunIdentity): Match => {
    const digest = open[part];
    return !madeOn || digest === null ? 'unknown' : madeOn[part].digest === digest ? 'same' : 'other';
  };
  const byName: Match = !named || !dataset ? 'unknown' : sameDataset(named, dataset) ? 'same' : 'other';
  return { model: by('model'), dataset: madeOn ? by('dataset') : byName };
}

export function readingOf(options: DatasetOptions): DatasetReading {
  const reading: { -readonly [K in keyof DatasetOptions]: DatasetOptions[K] } = { ...options };
  delete reading.skipped;
  return reading;
}

/**
 * How the open dataset is to be read so that it may become the one of a run: where it has the same name, and that run
 * read it in another way. Null where reading it again would change nothing. Rows to skip are asked about again.
 */
export function readingToTry(
  { dataset: was }: Pick<RunFile, 'dataset'>,
  open: Pick<DatasetReport, 'name' | 'options' | 'rowFormats'>,
): DatasetReading | null {
  const reading = was?.reading;
  if (!reading || was.name !== open.name) return null;
  if (reading.format !== undefined && !open.rowFormats.includes(reading.format)) return null;
  const sorted = (options: DatasetReading) => JSON.stringify(Object.entries(options).sort());
  return sorted(byFile(reading, open.options)) === sorted(readingOf(open.options)) ? null : reading;
}

/** A reading of a run from before each file had its own answer, as those answers where they say the same. */
function byFile(was: DatasetReading, { readings = [] }: DatasetOptions): DatasetReading {
  const { conventions, ...others } = was;
  if (!conventions || was.readings) return was;
  const agrees = readings.every(({ way, space, layout, resize }) => {
    const said = way === 'declared' ? undefined : conventions[way];
    return said?.space === space && said.layout === layout && !resize;
  });
  return agrees && readings.length > 0 ? { ...others, readings } : was;
}

/** Compares a run from a file with what is open, whenever either changes; its pictures come with its dataset. */
export function watchMatch(client: EngineClient, project: StoreApi<Project>, run: StoreApi<Run>): void {
  let round = 0;
  const compare = async () => {
    const mine = ++round;
    const { opened } = run.getState();
    if (!opened) return;
    const { dataset } = project.getState();
    const open = await client.request({ type: 'identity', dataset: dataset?.id ?? null });
    if (mine !== round) return;
    const match = matchOf(opened.file, open, dataset);
    run.setState({ match, dataset: match.dataset === 'same' ? dataset!.id : null });
  };
  // A dataset that was closed meanwhile is compared again when the next one is open.
  const look = () => void compare().catch(() => undefined);
  run.subscribe(({ opened }, before) => {
    if (opened !== before.opened) look();
  });
  project.subscribe(({ dataset, model }, before) => {
    if (dataset !== before.dataset || model !== before.model) look();
  });
}
