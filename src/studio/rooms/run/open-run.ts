/** Run files coming back: chosen in the Run room, or dropped anywhere. */
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { problemOf } from '../../problem.ts';
import { readRunFile } from '../../state/run-file.ts';
import { isActive } from '../../state/run.ts';
import { useStudio, type Studio } from '../../state/studio.ts';

/** Every run file and every plan file ends like this. */
export const SUFFIX = '.groundwork.json';

const ABOUT = 'opening a run file';

/** Shows the run of a file. False: it could not be, and why was reported. */
export async function openRunFile(studio: Studio, file: File): Promise<boolean> {
  const { project, run } = studio;
  const { report, settled } = project.getState();
  if (isActive(run.getState().state)) {
    report({
      about: ABOUT,
      code: 'run-active',
      what: `${file.name} cannot be opened now: a run is active, and its view would be lost.`,
      hint: 'Stop and keep the run first, or open the file in another tab.',
    });
    return false;
  }
  try {
    const read = readRunFile(await file.text(), file.name);
    if ('code' in read) {
      report({ ...read, about: ABOUT });
      return false;
    }
    settled(ABOUT);
    run.getState().open({ fileName: file.name, file: read });
    return true;
  } catch (error) {
    report({ ...problemOf(error), about: ABOUT });
    return false;
  }
}

/** A single dropped run file is one, wherever it lands; anything else goes to the room under it. */
export function useRunFileDrop(): void {
  const studio = useStudio();
  const [, go] = useLocation();
  useEffect(() => {
    const drop = (event: DragEvent) => {
      const files = event.dataTransfer?.files;
      const file = files?.length === 1 ? files[0] : undefined;
      if (!file?.name.endsWith(SUFFIX) || !file.name.startsWith('run-')) return;
      event.preventDefault();
      event.stopPropagation();
      void openRunFile(studio, file).then((opened) => opened && go('/run'));
    };
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    addEventListener('drop', drop, true);
    addEventListener('dragover', over);
    return () => {
      removeEventListener('drop', drop, true);
      removeEventListener('dragover', over);
    };
  }, [studio, go]);
}
