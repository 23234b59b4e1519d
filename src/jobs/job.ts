/**
 * A job: a plan with its rows and pictures as a folder that another engine runs. The writers are a table; what each
 * cannot do is refused by name, before any file is made.
 */
import { printed } from '../base/json.ts';
import { span, type RowList } from '../data/row-list.ts';
import type { Row } from '../data/row.ts';
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import type { PictureSizes } from '../models/processor.ts';
import type { OutputFile } from '../train/checkpoint-folder.ts';
import { RowSampler } from '../train/plan-steps.ts';
import { promptingOf } from '../train/prompt.ts';
import type { GrpoStage, Recipe, Stage } from '../train/recipe.ts';
import { REWARD_NAMES, REWARDS } from '../train/rewards/index.ts';
import { seedOf, visitName, visitsOf } from '../train/rounds.ts';
import { descriptorOf, type StageKind, type StageOf } from '../train/stages/index.ts';
import { unable } from './refusal.ts';
import { jobRow } from './rows.ts';

/** What a job is made of. */
export interface JobSource {
  readonly recipe: Recipe;
  readonly train: RowList;
  readonly heldout: RowList;
  /** A picture's size as shown; null: it cannot be told. */
  sizeOf(picture: string): Promise<Size | null>;
  /** Throws `image-missing`. */
  picture(path: string): Promise<Blob>;
  readonly model: JobModel;
  /** Of the dataset and the edits over it, for whoever brings results back. */
  readonly dataset: string;
  /** Where pictures lie on this machine, by path; null: they are copied into the job. */
  readonly pathOf?: ((picture: string) => string) | undefined;
}

export interface JobModel {
  /** Id on a Hub, or a folder. */
  readonly id: string;
  readonly convention: BoxConvention;
  readonly sizes: PictureSizes;
}

/** A stage as an engine takes it. */
export interface JobStage {
  /** File of the job that runs it. */
  readonly script: string;
  /** Settings by the engine's own names. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where the engine means something else, in whole sentences. */
  readonly differences: readonly string[];
}

/** What a stage is told of where it stands. */
export interface StagePlace {
  /** `03-reinforcement`: what its files are called. */
  readonly name: string;
  readonly source: JobSource;
  /** Ids of the rows that it reads, in order; null: those that a stage before has kept, or none. */
  readonly rows: readonly string[] | null;
}

/** A writer for a kind of stage, or a sentence that says why there is none; one that is not here is refused by its name. Rounds are written out: each is stages of its own. */
export type StageWriters = {
  readonly [K in Exclude<StageKind, 'repeat'>]?:
    | ((stage: StageOf<K>, place: StagePlace) => JobStage)
    | { readonly refused: string };
};

export interface EngineWriter {
  /** For the user. */
  readonly name: string;
  readonly stages: StageWriters;
  /** Files around the stages: scripts, requirements, launch lines, README. */
  files(source: JobSource, stages: readonly PlacedStage[]): readonly OutputFile[];
}

export interface PlacedStage extends JobStage {
  readonly name: string;
  readonly stage: Stage;
  readonly rows: readonly string[] | null;
}

/** Rows that are read at once. */
const ROWS_AT_ONCE = 256;

const fileName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);

/**
 * The files of a job, each made when it is read. Everything that can be refused is refused before: a stage or a setting
 * that the engine lacks, rows and pictures that cannot be read.
 * @throws GroundworkError `budget-unsupported`, `job-unable`, `image-missing`, `image-unreadable`
 */
export async function jobFiles(engine: EngineWriter, given: JobSource): Promise<OutputFile[]> {
  const { model, recipe } = given;
  const source = { ...given, model: { ...model, sizes: model.sizes.under(recipe.pictures ?? null) } };
  const stages = placed(engine, source);
  const rows = { train: await measured(source, source.train), heldout: await measured(source, source.heldout) };
  if (rows.train.size + rows.heldout.size === 0) throw unable('The dataset has no rows.', 'Open another.');
  const files = engine.files(source, stages);
  const pictures = new Map<string, string>();
  const inside = (picture: string): string => {
    const known = pictures.get(picture) ?? `data/images/${pictures.size.toString().padStart(6, '0')}${ending(picture)}`;
    pictures.set(picture, known);
    return known;
  };
  const sizes = new Map([...rows.train.sizes, ...rows.heldout.sizes]);
  for (const picture of sizes.keys()) inside(picture);
  const prompting = promptingOf(source.recipe);
  const lines = (list: RowList): AsyncIterable<Uint8Array> =>
    linesOf(list, (row) =>
      jobRow(
        row,
        source.model.convention,
        row.images.map((image) => sizes.get(image)!),
        source.pathOf ?? inside,
        prompting,
      ),
    );
  return [
    ...files,
    { path: 'data/train.jsonl', data: lines(source.train) },
    { path: 'data/heldout.jsonl', data: lines(source.heldout) },
    ...(source.pathOf
      ? []
      : [...pictures].map(([picture, path]): OutputFile => ({ path, data: bytesOf(source, picture) }))),
  ];
}

/** rewards.py judges the form with a thought. Throws `job-unable` where a plan has rows answered without one and rewards that. */
function refuseForms({ prompt, stages }: Recipe): void {
  if (prompt === undefined) return;
  const forms = [prompt, ...Object.values(prompt.tasks ?? {})].map(({ answerForm }) => answerForm);
  if (!forms.some((form) => form === 'answer' || form === 'mix')) return;
  for (const { stage } of visitsOf(stages)) {
    if (stage.kind !== 'grpo') continue;
    const { name, rewardWeights } = stage as GrpoStage;
    const form = REWARD_NAMES.find((each) => (rewardWeights[each] ?? 0) !== 0 && REWARDS[each].subject === 'form');
    if (form !== undefined)
      throw unable(
        `The plan asks rows for an answer without a thought, and “${name}” rewards the form (${form}), which a job judges with one.`,
        'Ask for a thought, or set the weight of that reward to 0.',
      );
  }
}

function placed(engine: EngineWriter, source: JobSource): PlacedStage[] {
  const { recipe } = source;
  refuseForms(recipe);
  if (recipe.draw !== undefined)
    throw unable(
      `The plan says how its training rows are drawn, and jobs for ${engine.name} take each once a pass, as it is.`,
      'Take “Rows” out of the plan, or repeat rows in the dataset.',
    );
  const visits = visitsOf(recipe.stages).filter(({ stage }) => stage.kind !== 'repeat');
  return visits.map((visit, i) => {
    const { stage } = visit;
    const name = `${String(i + 1).padStart(2, '0')}-${fileName(visitName(visit)) || stage.kind}`;
    const seed = seedOf(recipe.seed, visit.round);
    const writer = engine.stages[stage.kind as keyof StageWriters] as StageWriters[keyof StageWriters] | undefined;
    if (writer === undefined || 'refused' in writer)
      throw unable(
        `${engine.name} has nothing for stage ${i + 1}, “${stage.name}” (${printed(stage.kind)}). ${writer?.refused ?? ''}`.trim(),
        'Take the stage out of the plan, or choose another engine.',
      );
    const { reads, trains } = descriptorOf(stage);
    const list =
      reads === null || reads === 'kept'
        ? null
        : descriptorOf(stage).rows(stage, { train: source.train, heldout: source.heldout }, seed);
    // How many rows a stage trains on is known; their order is drawn as in a run.
    const order =
      list !== null && trains && source.train.length > 0
        ? new RowSampler(source.train.length, seed).nextInEpoch(list.length)
        : null;
    const rows =
      list === null
        ? null
        : (order?.map((k) => source.train.id(k)) ?? Array.from({ length: list.length }, (_, k) => list.id(k)));
    const made = (writer as (stage: Stage, place: StagePlace) => JobStage)(stage, { name, source, rows });
    return { ...made, name, stage, rows };
  });
}

interface Measured {
  readonly size: number;
  /** By picture, as the model sees it. */
  readonly sizes: ReadonlyMap<string, Size>;
}

async function measured(source: JobSource, list: RowList): Promise<Measured> {
  const sizes = new Map<string, Size>();
  const missing: string[] = [];
  for await (const rows of pagesOf(list))
    for (const picture of rows.flatMap((row) => row.images)) {
      if (sizes.has(picture)) continue;
      const natural = await source.sizeOf(picture);
      if (natural) sizes.set(picture, source.model.sizes.modelSize(natural));
      else missing.push(picture);
    }
  if (missing.length > 0)
    throw unable(
      `${missing.length} ${missing.length === 1 ? 'picture' : 'pictures'} cannot be read: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}.`,
      'Replace them, or leave their rows out. Nothing was written.',
    );
  return { size: list.length, sizes };
}

async function* pagesOf(list: RowList): AsyncGenerator<Row[]> {
  for (let start = 0; start < list.length; start += ROWS_AT_ONCE)
    yield list.read(span(list, start, start + ROWS_AT_ONCE));
}

async function* linesOf(list: RowList, of: (row: Row) => object): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const rows of pagesOf(list))
    yield encoder.encode(rows.map((row) => `${JSON.stringify(of(row))}\n`).join(''));
}

async function* bytesOf(source: JobSource, picture: string): AsyncGenerator<Uint8Array> {
  const blob = await source.picture(picture);
  yield new Uint8Array(await blob.arrayBuffer());
}

const ending = (path: string): string => /\.[A-Za-z0-9]{1,5}$/.exec(path)?.[0].toLowerCase() ?? '';

/** A model that a job can name. @throws GroundworkError `job-unable` for one that carries a secret */
export function requirePlain(id: string): string {
  if (/\bhf_[A-Za-z0-9]{8,}|:\/\/[^/\s]*@/.test(id))
    throw unable(
      'The name of the model carries a credential.',
      'Name the model by its id or folder. Whoever runs the job brings their own access.',
    );
  return id;
}
