/** What the command palette offers: every room, and what can be done now without a choice. */
import type { Studio } from '../state/studio.ts';
import { isActive } from '../state/run.ts';
import { applyTheme } from '../theme.ts';

export interface Command {
  readonly title: string;
  /** Further words by which it is found. */
  readonly words: string;
  readonly run: () => void;
}

const ROOMS: readonly (readonly [path: string, name: string, words: string])[] = [
  ['/data', 'Data', 'dataset rows pictures issues health edits coordinates'],
  ['/model', 'Model', 'load checkpoint hub folder memory adapters merge'],
  ['/recipe', 'Recipe', 'stages plan settings presets preview tokens'],
  ['/run', 'Run', 'curves groups stages alarms rehearse profile'],
  ['/inspect', 'Inspect', 'gallery answers boxes iou compare'],
  ['/scores', 'Scores', 'benchmarks evaluation results report'],
  ['/try', 'Try', 'ask question own pictures chat'],
  ['/export', 'Export', 'adapter weights merged run file'],
  ['/projects', 'Projects', 'runs storage duplicate save open'],
];

/** @param keys shows the sheet of keys */
export function commandsOf(studio: Studio, go: (path: string) => void, keys: () => void): readonly Command[] {
  const { project, run, keeping } = studio;
  const { model, loading, loadStarter, startWithSample } = project.getState();
  const { state, control } = run.getState();
  const { busy, create, saveNow } = keeping.getState();
  const active = isActive(state);
  const commands: (Command | false)[] = [
    ...ROOMS.map(([path, name, words]) => ({ title: `Go to ${name}`, words, run: () => go(path) })),
    state === 'running' && { title: 'Pause the run', words: 'hold', run: () => void control('pause') },
    state === 'paused' && { title: 'Resume the run', words: 'continue', run: () => void control('resume') },
    state === 'paused' && { title: 'Make one step', words: 'run single', run: () => void control('step') },
    active && !busy && { title: 'Save a checkpoint now', words: 'run keep', run: () => void saveNow() },
    active && { title: 'Stop the run and keep it', words: 'end', run: () => void control('stop') },
    !active &&
      !loading && {
        title: model ? 'Open the sample dataset' : 'Start with the sample',
        words: 'demo starter dataset example',
        run: () => void startWithSample().then((done) => done && go('/data')),
      },
    !active &&
      !loading && {
        title: 'Load the starter model',
        words: 'small demo',
        run: () => void loadStarter().then((done) => done && go('/model')),
      },
    !active &&
      !busy && { title: 'Begin a new project', words: 'create', run: () => void create().then(() => go('/data')) },
    { title: 'Light theme', words: 'colours bright day', run: () => applyTheme('light') },
    { title: 'Dark theme', words: 'colours night', run: () => applyTheme('dark') },
    { title: 'Theme of the system', words: 'colours auto', run: () => applyTheme('auto') },
    { title: 'Keys', words: 'keyboard shortcuts help sheet', run: keys },
  ];
  return commands.filter((command) => command !== false);
}

/** Commands that have all the words, those first whose titles begin with them. */
export function findCommands(commands: readonly Command[], wanted: string): readonly Command[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ title, words: more }) => {
    const said = `${title} ${more}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
  const inTitle = ({ title }: Command) => words.every((word) => title.toLowerCase().includes(word));
  return [...found.filter(inTitle), ...found.filter((command) => !inTitle(command))];
}
