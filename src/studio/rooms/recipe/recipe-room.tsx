/** Recipe: the plan in plain sentences, every setting within reach, and the rows as the model will see them. */
import { useState } from 'react';
import { useLocation } from 'wouter';
import { advise, visitsOf, type Advice } from '../../../engine/presets.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRecipe, useRun } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { AddStage, PresetMenu } from './presets-menu.tsx';
import { useUnfitRows } from '../data/settle.tsx';
import { MemoryPanel } from '../model/memory-panel.tsx';
import { DrawView } from './draw-view.tsx';
import { NumberInput } from './number-input.tsx';
import { budgetFault } from './budget-words.ts';
import { PicturesView } from './pictures-view.tsx';
import { PlanFile } from './plan-file.tsx';
import { PreviewView } from './preview-view.tsx';
import { PromptView } from './prompt-view.tsx';
import { StageEditor } from './stage-editor.tsx';
import { StageLine } from './stage-line.tsx';
import './recipe.css';

export function RecipeRoom() {
  const recipe = useRecipe((editor) => editor.recipe);
  const [selected, setSelected] = useState(0);
  const [tab, setTab] = useState('settings');
  const dataset = useProject((project) => project.dataset);
  const advice = advise(recipe, dataset);
  const visits = visitsOf(recipe.stages);
  const at = Math.min(selected, recipe.stages.length - 1);
  const stage = recipe.stages[at];
  return (
    <div className="room room-recipe">
      <RoomHead title="Recipe" lede="A run is a list of stages. What you see here is exactly what runs.">
        <StartButton advice={advice} />
      </RoomHead>
      <div className="recipe-columns">
        <section className="plan" aria-label="The recipe">
          <PlanHead />
          <ol className="plan-stages">
            {recipe.stages.map((each, i) => (
              <StageLine
                key={i}
                stage={each}
                index={i}
                count={recipe.stages.length}
                rounds={visits.filter(({ index }) => index === i).length}
                selected={i === at}
                advice={advice.filter((a) => a.stage === i)}
                onSelect={() => setSelected(i)}
                onMoved={setSelected}
              />
            ))}
          </ol>
          {advice
            .filter((a) => a.stage === null)
            .map((a) => (
              <p key={a.text} className="advice" data-severity={a.severity}>
                {a.text} {a.hint}
              </p>
            ))}
          <AddStage onAdded={() => setSelected(recipe.stages.length)} />
        </section>
        <div className="recipe-detail">
          <Tabs
            label="Views of the recipe"
            selected={tab}
            onSelect={setTab}
            tabs={[
              {
                key: 'settings',
                title: 'Settings',
                body: () =>
                  stage ? (
                    <StageEditor key={`${at}/${stage.kind}`} stage={stage} index={at} />
                  ) : (
                    <p className="muted">Add a stage, or start from a preset.</p>
                  ),
              },
              { key: 'prompt', title: 'Prompt', body: () => <PromptView /> },
              { key: 'rows', title: 'Rows', body: () => <DrawView /> },
              { key: 'pictures', title: 'Pictures', body: () => <PicturesView /> },
              { key: 'sees', title: 'As the model sees it', body: () => <PreviewView /> },
              { key: 'memory', title: 'Memory', body: () => <MemoryPanel /> },
              { key: 'file', title: 'Recipe as a file', body: () => <PlanFile /> },
            ]}
          />
        </div>
      </div>
    </div>
  );
}

function PlanHead() {
  const recipe = useRecipe((editor) => editor.recipe);
  const rename = useRecipe((editor) => editor.rename);
  const reseed = useRecipe((editor) => editor.reseed);
  return (
    <div className="plan-head">
      <PresetMenu />
      <label className="plan-name">
        <span>Name</span>
        <input type="text" value={recipe.name} onChange={(event) => rename(event.target.value)} />
      </label>
      <div className="plan-seed">
        <span aria-hidden="true">Seed</span>
        <NumberInput value={recipe.seed} min={0} max={Number.MAX_SAFE_INTEGER} integer label="Seed" onChange={reseed} />
      </div>
    </div>
  );
}

export function StartButton({ advice }: { readonly advice: readonly Advice[] }) {
  const recipe = useRecipe((editor) => editor.recipe);
  const dataset = useProject((project) => project.dataset);
  const model = useProject((project) => project.model);
  const loading = useProject((project) => project.loading?.title ?? null);
  const state = useRun((run) => run.state);
  const start = useRun((run) => run.start);
  const [, go] = useLocation();
  const unfit = useUnfitRows(dataset);
  const fault = budgetFault(model, recipe.pictures);
  const why = isActive(state)
    ? 'A run is active.'
    : loading !== null
      ? `${loading} is still under way.`
      : !dataset
        ? 'Open a dataset first.'
        : !model
          ? 'Load a model first.'
          : dataset.questions.length > 0
            ? 'The Data room has an open question. Answer it first.'
            : unfit.length > 0
              ? `The model cannot take ${plural(unfit.length, 'row')}, such as ${unfit[0]!.file}:${unfit[0]!.line}. See the Data room.`
              : fault !== null
                ? `${fault} See “Pictures”.`
                : advice.some((a) => a.severity === 'error')
                  ? 'The recipe has a problem. See its stages.'
                  : null;
  const begin = (paused: boolean) => {
    if (!dataset || why) return;
    void start(dataset.id, recipe, paused);
    go('/run');
  };
  return (
    <div className="start">
      {why && <span className="muted">{why}</span>}
      {/* What the data leaves unmeasured is no reason to wait, and is known before the run. */}
      {!why &&
        dataset?.shortfalls.map((shortfall) => (
          <span key={shortfall} className="muted">
            {shortfall}
          </span>
        ))}
      <button
        type="button"
        className="button"
        disabled={why !== null}
        onClick={() => begin(true)}
        title="Pause before the first step, then go step by step"
      >
        <Icon name="step" /> Start paused
      </button>
      <button type="button" className="button primary" disabled={why !== null} onClick={() => begin(false)}>
        <Icon name="play" /> Start the run
      </button>
    </div>
  );
}
