/** Writes a project to one file: choices, edits, runs with their checkpoints; of the open one the pictures, too. */
import { useState } from 'react';
import type { ProjectView } from '../../../engine/protocol/index.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRun, useStudio } from '../../state/studio.ts';
import { bytes } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { asFileName, askForFile, saveStream } from '../../ui/save.ts';

interface SaveProjectProps {
  readonly project: ProjectView;
  /** It is the one that is open. */
  readonly open: boolean;
}

export function SaveProject({ project: { id, name }, open }: SaveProjectProps) {
  const { client, project } = useStudio();
  const active = useRun(({ state }) => isActive(state));
  const dataset = useProject((state) => state.dataset?.id ?? null);
  const own = useProject(({ sources }) => sources.some(({ kind }) => kind !== 'sample'));
  const [written, setWritten] = useState<number | null>(null);
  const save = (data: string | null) =>
    void project.getState().attempt('project file', async () => {
      const handle = await askForFile(`${asFileName(name)}.groundwork.zip`);
      if (handle === null) return;
      setWritten(0);
      try {
        const { fileName, stream } = await client.request({ type: 'project-file', id, dataset: data });
        await saveStream(stream, fileName, handle, setWritten);
      } finally {
        setWritten(null);
      }
    });
  if (written !== null)
    return (
      <span role="status" className="muted num">
        {bytes(written)} written
      </span>
    );
  return (
    <>
      <button
        type="button"
        className="button small"
        aria-label={`Save ${name} to a file`}
        title="Choices, edits and runs with their checkpoints. Pictures are named, not included"
        disabled={active}
        onClick={() => save(null)}
      >
        <Icon name="export" /> Save
      </button>
      {open && dataset !== null && own && (
        <button
          type="button"
          className="button small"
          aria-label={`Save ${name} with its pictures to a file`}
          disabled={active}
          onClick={() => save(dataset)}
        >
          With pictures
        </button>
      )}
    </>
  );
}
