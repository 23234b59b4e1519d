/** The run as one JSON: the plan, what was measured, every curve. No pictures, no rows, no weights. */
import type { SeriesBook } from '../../charts/series-book.ts';
import type { Project } from '../../state/project.ts';
import type { Run } from '../../state/run.ts';

export function runFile(run: Run, project: Project, book: SeriesBook, now: Date): string {
  const { dataset, model, device } = project;
  return JSON.stringify(
    {
      format: 'groundwork-run',
      version: 1,
      written: now.toISOString(),
      runId: run.runId,
      state: run.state,
      recipe: run.recipe,
      model: model && { name: model.name, modelType: model.modelType, parameters: model.parameters },
      dataset: dataset && {
        name: dataset.name,
        format: dataset.format,
        train: dataset.train,
        heldout: dataset.heldout,
        leftOut: dataset.issues
          .filter((issue) => issue.severity === 'error')
          .map(({ file, line, field, reason }) => ({ file, line, field, reason })),
      },
      device: device && { name: device.name, vendor: device.vendor, software: device.software },
      stages: run.stages.map(({ stage, status, seconds, firstStep }) => ({
        name: stage.name,
        kind: stage.kind,
        status,
        seconds,
        firstStep,
      })),
      evaluations: run.evaluations,
      rejection: {
        kept: run.rejection.kept.map((tried) => tried.rowId),
        tooEasy: run.rejection['too-easy'].map((tried) => tried.rowId),
        tooHard: run.rejection['too-hard'].map((tried) => tried.rowId),
      },
      curves: book,
    },
    null,
    1,
  );
}
