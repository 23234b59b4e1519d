/** README.md of an export, as the Hub shows it: what the model is, what it learnt from, what was measured, whose it is. */
import { plural } from '../../base/counts.ts';
import { serveSnippets, type SnippetKind } from '../../train/serve-snippets.ts';
import type { NamedModel } from '../model/model-holder.ts';
import type { RunRecord } from '../protocol/records.ts';
import type { Evaluation } from '../protocol/run.ts';
import { licenceOf } from './licence.ts';
import { servedFacts } from '../model/served-facts.ts';

/** A run, and what it has measured, in its order. */
export interface LearntIn {
  readonly record: RunRecord;
  readonly evaluations: readonly { readonly name: string; readonly evaluation: Evaluation }[];
}

export interface CardFacts {
  readonly kind: SnippetKind;
  readonly model: NamedModel;
  /** Whether anything was learnt. */
  readonly learnt: boolean;
  /** The run that it was learnt in, where it is known. */
  readonly run: LearntIn | null;
  readonly precision: string;
  readonly tower: string;
  /** Tensors of the checkpoint that the files do not have. */
  readonly leftOut: readonly string[];
}

export async function modelCard(facts: CardFacts): Promise<string> {
  const { kind, model, learnt, run: learntIn } = facts;
  const run = learntIn?.record ?? null;
  const licence = await licenceOf(model.folder);
  const head = [
    '---',
    `base_model: ${JSON.stringify(model.name)}`,
    ...(licence.id === null ? [] : [`license: ${licence.id}`]),
    'tags: [grounding, groundwork]',
    'pipeline_tag: image-text-to-text',
    '---',
    '',
    `# ${model.name}${learnt ? ', tuned' : ''}`,
    '',
    WHAT[kind],
  ];
  return `${[...head, ...origin(facts, licence.words), ...plan(run), ...data(run), ...figures(learntIn), ...left(facts), ...use(facts)].join('\n')}\n`;
}

const WHAT: Readonly<Record<SnippetKind, string>> = {
  adapter: 'A LoRA adapter in PEFT’s layout.',
  merged: 'A whole checkpoint, with what was learnt in its weights.',
  gguf: 'A whole model for llama.cpp: the text model, and the vision tower with its projector (mmproj).',
  'gguf-adapter': 'A LoRA adapter for llama.cpp, to be laid over the base model as GGUF.',
};

const section = (title: string, ...lines: readonly string[]): string[] => ['', `## ${title}`, '', ...lines];

function origin({ model, learnt }: CardFacts, licence: string): string[] {
  return section(
    'Base model',
    `${model.name} (${model.architecture.modelType}). ${licence}`,
    ...(learnt ? [] : ['', 'Nothing was learnt on top of it.']),
  );
}

function plan(run: RunRecord | null): string[] {
  if (!run) return section('Plan', 'The run that it was learnt in is not known here.');
  return section(
    'Plan',
    `“${run.recipe.name}”, seed ${run.recipe.seed}: ${run.recipe.stages.map(({ name, kind }) => `${name} (${kind})`).join(', ')}.`,
    '',
    '```json',
    JSON.stringify(run.recipe, null, 2),
    '```',
  );
}

function data(run: RunRecord | null): string[] {
  if (!run) return [];
  const { datasetName, data: amount, edits } = run;
  const rows = amount
    ? `${plural(amount.train, 'row')} to learn from and ${amount.heldout} held out, with ${plural(amount.images, 'picture')}`
    : 'how many rows is not recorded';
  return section('Data', `${datasetName}: ${rows}.${edits ? ' Rows had been edited before.' : ''}`);
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function figures(run: LearntIn | null): string[] {
  if (!run) return section('Figures', 'Nothing is known of what was measured.');
  const { record, evaluations } = run;
  const measured = evaluations.filter(({ evaluation }) => evaluation.n > 0);
  if (measured.length === 0) return section('Figures', 'The run has measured nothing: its plan had no evaluation.');
  return section(
    'Figures',
    `Held-out rows of ${record.datasetName}, answered greedily. Acc@0.5 with its 95 % interval.`,
    '',
    '| Evaluation | n | Acc@0.5 | 95 % interval | Mean IoU | Unreadable |',
    '|---|---|---|---|---|---|',
    ...measured.map(({ name, evaluation }) => {
      const {
        n,
        accAt50,
        accAt50Interval: [low, high],
        meanIoU,
        parseFailures,
      } = evaluation;
      const cells = [
        name,
        n,
        percent(accAt50),
        `${percent(low)} to ${percent(high)}`,
        meanIoU.toFixed(3),
        parseFailures,
      ];
      return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
    }),
  );
}

const left = ({ leftOut }: CardFacts): string[] =>
  leftOut.length === 0
    ? []
    : section('Left out', `Tensors that follow from others, and are not in the files: ${leftOut.join(', ')}.`);

function use(facts: CardFacts): string[] {
  const { kind, model, run, precision, tower } = facts;
  const snippets = serveSnippets(
    kind,
    { ...servedFacts(model), prompt: run?.record.recipe.prompt ?? null },
    { precision, tower },
  );
  return section('To use it', ...snippets.flatMap(({ title, text }) => [`### ${title}`, '', '```', text, '```', '']));
}
