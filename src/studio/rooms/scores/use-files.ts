/** Writes what the engine streams into a file that the user chooses. */
import type { PredictionFileKind, ScoreFileKind } from '../../../engine/protocol/index.ts';
import { useStudio } from '../../state/studio.ts';
import { askForFile, saveStream } from '../../ui/save.ts';

type Streamed = { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };

function useSave() {
  const { project } = useStudio();
  return async (suggested: string, ask: () => Promise<Streamed>) => {
    await project.getState().attempt('scores-file', async () => {
      const handle = await askForFile(suggested);
      if (handle === null) return;
      const { stream, fileName } = await ask();
      await saveStream(stream, fileName, handle, () => undefined);
    });
  };
}

/** What is scored now. */
function useKept() {
  const { scores, keeping } = useStudio();
  return () => {
    const { dataset, results } = scores.getState();
    const sets = [...new Set(results.flatMap((result) => result.sets.map(({ id }) => id)))];
    return { dataset: dataset!, project: keeping.getState().current, sets };
  };
}

const ENDINGS: Readonly<Record<ScoreFileKind, string>> = { csv: 'csv', markdown: 'md', latex: 'tex' };

export function useScoresFile(): (as: ScoreFileKind) => Promise<void> {
  const { client } = useStudio();
  const [save, kept] = [useSave(), useKept()];
  return (as) => save(`scores.${ENDINGS[as]}`, () => client.request({ type: 'scores-file', ...kept(), as }));
}

const NAMES: Readonly<Record<PredictionFileKind, string>> = {
  groundwork: 'predictions.jsonl',
  vlmevalkit: 'predictions.tsv',
  'lmms-eval': 'samples.jsonl',
};

export function usePredictionsFile(): (set: string, as: PredictionFileKind) => Promise<void> {
  const { client } = useStudio();
  const [save, kept] = [useSave(), useKept()];
  return (set, as) =>
    save(NAMES[as], () => {
      const { dataset, project } = kept();
      return client.request({ type: 'predictions-file', dataset, project, set, as });
    });
}
