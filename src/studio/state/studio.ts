/** The studio's one object: the client, the stores, the caches. Rooms reach it by context. */
import { createContext, useContext } from 'react';
import { useStore, type StoreApi } from 'zustand';
import type { EngineClient } from '../../engine/client.ts';
import type { Recipe } from '../../engine/protocol/index.ts';
import { Crosshair } from '../charts/crosshair.ts';
import { SeriesBook } from '../charts/series-book.ts';
import { createAdapters, type AdapterShelf } from './adapters.ts';
import { createAnswers, type Answers } from './answers.ts';
import { createChat, type Conversation } from './chat.ts';
import { createCodeConsent, type CodeConsent } from './code-consent.ts';
import { createCopies, type Copies } from './copies.ts';
import { EventPump } from './event-pump.ts';
import { createEditing, type Editing } from './edits.ts';
import { createHub, type Hub } from './hub.ts';
import { createKeeping, saveWhenLeaving } from './keeping.ts';
import { projectOpened, type Keeping } from './kept.ts';
import { createPastRuns, type PastRuns } from './past-runs.ts';
import { PictureCache } from './picture-cache.ts';
import { createProfile, type ProfileState } from './profile.ts';
import { createProject, type Project } from './project.ts';
import { createRecipeEditor, type RecipeEditor } from './recipe.ts';
import { RowCache } from './row-cache.ts';
import { createRehearsal, type Rehearsing } from './rehearsal.ts';
import { noteReached } from './resumable.ts';
import { watchMatch } from './run-match.ts';
import { createRunList, type RunList } from './run-list.ts';
import { createRun, isActive, type Run } from './run.ts';
import { createScores, type Scores } from './scores.ts';
import { createThoughts, type Thoughts } from './thoughts.ts';
import { createWatchlist, type Watchlist } from './watchlist.ts';

export interface Studio {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly hub: StoreApi<Hub>;
  readonly run: StoreApi<Run>;
  readonly recipe: StoreApi<RecipeEditor>;
  readonly answers: StoreApi<Answers>;
  readonly scores: StoreApi<Scores>;
  readonly editing: StoreApi<Editing>;
  readonly thoughts: StoreApi<Thoughts>;
  readonly past: StoreApi<PastRuns>;
  readonly runList: StoreApi<RunList>;
  readonly watchlist: StoreApi<Watchlist>;
  readonly rehearsal: StoreApi<Rehearsing>;
  readonly codeConsent: StoreApi<CodeConsent>;
  readonly crosshair: Crosshair;
  readonly adapters: StoreApi<AdapterShelf>;
  readonly chat: StoreApi<Conversation>;
  readonly keeping: StoreApi<Keeping>;
  readonly copies: StoreApi<Copies>;
  readonly profile: StoreApi<ProfileState>;
  readonly book: SeriesBook;
  readonly rows: RowCache;
  readonly pictures: PictureCache;
}

export function createStudio(client: EngineClient, storage: Pick<Storage, 'getItem' | 'setItem'> | null): Studio {
  const book = new SeriesBook();
  const project = createProject(
    client,
    () => projectOpened(keeping),
    (...dataset) => keeping.getState().makeRoom(...dataset),
  );
  const hub = createHub(client, project);
  const past = createPastRuns(client);
  const rows = new RowCache(client);
  const watchlist = createWatchlist(rows);
  const codeConsent = createCodeConsent(storage);
  const allowed = (plan: Recipe) => codeConsent.getState().require(plan);
  const rehearsal = createRehearsal(client, allowed);
  const recipe = createRecipeEditor(storage, (problem) => project.getState().report(problem));
  const run = createRun(client, book, {
    past,
    watch: (dataset) => watchlist.getState().forRun(dataset),
    kept: () => keeping.getState().forRun(),
    allowed,
  });
  const keeping = createKeeping({ client, project, recipe, run, storage, allowed });
  saveWhenLeaving(client, run);
  watchMatch(client, project, run);
  const answers = createAnswers(
    client,
    () => keeping.getState().current,
    () => recipe.getState().recipe,
  );
  const scores = createScores({
    client,
    projectOf: () => keeping.getState().current,
    ensureProject: async () => (await keeping.getState().forRun()).project ?? null,
    // What a run has trained goes by its recipe and its last step.
    label: () => {
      const { recipe: plan } = run.getState();
      return plan && `${plan.name}, step ${book.lastStep}`;
    },
  });
  const editing = createEditing({
    client,
    project,
    rows,
    keep: async () => (await keeping.getState().forRun()).project ?? null,
    forgetAnswers: (rowId) => answers.getState().forget(rowId),
  });
  const thoughts = createThoughts(client, project, editing);
  const adapters = createAdapters(client);
  const pictures = new PictureCache(client);
  const chat = createChat(client, pictures, () => recipe.getState().recipe);
  const pump = new EventPump((events) => {
    adapters.getState().receive(events);
    chat.getState().receive(events);
    project.getState().receive(events);
    hub.getState().receive(events);
    run.getState().receive(events);
    const { runId, state } = run.getState();
    if (runId !== null && isActive(state) && events.some(({ type }) => type === 'metrics'))
      noteReached(storage, runId, book.lastStep);
    rehearsal.getState().receive(events);
  });
  client.subscribe((event) => pump.push(event));
  // Tuned answers belong to the weights that gave them; what these ones gave before is found again.
  const recall = () => {
    const { dataset, model } = project.getState();
    if (dataset && model && !isActive(run.getState().state)) void answers.getState().recall(dataset.id);
  };
  const retune = () => {
    answers.getState().forgetTuned();
    recall();
  };
  run.subscribe(({ state }, before) => {
    if (state !== before.state) retune();
  });
  // What is tuned changes with the adapters in use, and another model has none of them.
  adapters.subscribe(({ report }, before) => {
    if (report !== before.report) retune();
  });
  keeping.subscribe(({ current }, before) => {
    if (current !== before.current) recall();
  });
  // What was asked with another prompt is no answer to this one.
  recipe.subscribe(({ recipe: now }, { recipe: before }) => {
    if (now.prompt === before.prompt || answers.getState().asked !== 'recipe') return;
    answers.getState().cancel();
    answers.getState().forget(null);
    recall();
  });
  project.subscribe(({ dataset, model }, before) => {
    if (model !== before.model) adapters.getState().forget();
    // The same dataset with other edits is no other one: what was answered of its untouched rows still holds.
    if (dataset?.id !== before.dataset?.id || model !== before.model) {
      answers.getState().cancel();
      answers.setState({ byRow: new Map(), dataset: null });
      recall();
      rehearsal.getState().forget();
    }
  });
  return {
    client,
    project,
    hub,
    run,
    recipe,
    answers,
    scores,
    editing,
    thoughts,
    past,
    runList: createRunList(client, storage),
    watchlist,
    rehearsal,
    codeConsent,
    crosshair: new Crosshair(),
    keeping,
    copies: createCopies(client, project, keeping),
    profile: createProfile(client),
    book,
    rows,
    pictures,
    adapters,
    chat,
  };
}

export const StudioContext = createContext<Studio | null>(null);

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error('A room was shown outside the studio.');
  return studio;
}

export const useProject = <T>(select: (project: Project) => T): T => useStore(useStudio().project, select);
export const useHub = <T>(select: (hub: Hub) => T): T => useStore(useStudio().hub, select);
export const useRun = <T>(select: (run: Run) => T): T => useStore(useStudio().run, select);
export const useRecipe = <T>(select: (editor: RecipeEditor) => T): T => useStore(useStudio().recipe, select);
export const usePast = <T>(select: (past: PastRuns) => T): T => useStore(useStudio().past, select);
export const useRunList = <T>(select: (list: RunList) => T): T => useStore(useStudio().runList, select);
export const useWatchlist = <T>(select: (list: Watchlist) => T): T => useStore(useStudio().watchlist, select);
export const useRehearsal = <T>(select: (rehearsing: Rehearsing) => T): T => useStore(useStudio().rehearsal, select);
export const useCodeConsent = <T>(select: (consent: CodeConsent) => T): T => useStore(useStudio().codeConsent, select);
export const useKeeping = <T>(select: (keeping: Keeping) => T): T => useStore(useStudio().keeping, select);
export const useCopies = <T>(select: (copies: Copies) => T): T => useStore(useStudio().copies, select);
export const useAnswers = <T>(select: (answers: Answers) => T): T => useStore(useStudio().answers, select);
export const useScores = <T>(select: (scores: Scores) => T): T => useStore(useStudio().scores, select);
export const useEditing = <T>(select: (editing: Editing) => T): T => useStore(useStudio().editing, select);
export const useThoughts = <T>(select: (thoughts: Thoughts) => T): T => useStore(useStudio().thoughts, select);
export const useAdapters = <T>(select: (shelf: AdapterShelf) => T): T => useStore(useStudio().adapters, select);
export const useChat = <T>(select: (chat: Conversation) => T): T => useStore(useStudio().chat, select);
export const useProfile = <T>(select: (profile: ProfileState) => T): T => useStore(useStudio().profile, select);
