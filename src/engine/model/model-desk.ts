/** What goes with a loaded model besides its workbench: kept adapters, the conversation, and what leaves as files. */
import { GroundworkError } from '../../base/error.ts';
import { adapterFiles, mergedFiles, shardNames, type OutputFile } from '../../train/export.ts';
import { combine } from '../../train/combine.ts';
import { Generator } from '../../train/generate.ts';
import { Policy, type MergedAdapter } from '../../train/policy.ts';
import { Scorer } from '../../train/scorer.ts';
import { descriptorOf } from '../../train/stages/index.ts';
import type { LoadedModel } from '../../models/load.ts';
import type { Row } from '../../data/row.ts';
import { Adapters } from './adapters.ts';
import { answerRows } from '../answers/answer.ts';
import { Chat } from '../answers/chat.ts';
import type { AdaptersReport, AdaptersRequest } from '../protocol/adapters.ts';
import type { ChatAnswer, ChatEvent } from '../protocol/chat.ts';
import type { ExportChoice } from '../protocol/export.ts';
import type { Request } from '../protocol/messages.ts';
import type { Answer, PolicyName, Recipe } from '../protocol/words.ts';
import { heatRow } from '../answers/heat.ts';
import type { CoordinateHeat } from '../protocol/answers.ts';
import type { Workbench } from '../model/workbench.ts';
import { WeightsDigests } from './weights-digest.ts';

export class ModelDesk {
  readonly chat: Chat;
  readonly adapters: Adapters;
  readonly #digests: WeightsDigests;
  readonly #loaded: LoadedModel & { readonly name: string };

  /** @param kept adapters of the same model in a device that is gone */
  constructor(loaded: LoadedModel & { readonly name: string }, kept?: Adapters) {
    this.#loaded = loaded;
    this.chat = new Chat(loaded);
    this.#digests = new WeightsDigests(loaded);
    this.adapters = new Adapters(loaded, kept);
  }

  destroy(): void {
    this.chat.destroy();
    this.adapters.destroy();
  }

  async handle(request: AdaptersRequest, bench: Workbench | null): Promise<AdaptersReport> {
    const { adapters } = this;
    if (request.type === 'adapter-import') await adapters.import(request.name, request.files);
    else if (request.type === 'adapter-keep')
      adapters.keep(request.name, combine((await bench?.policy.learnt()) ?? nothingLearnt()));
    else if (request.type === 'adapter-remove') adapters.remove(request.id);
    else if (request.type === 'adapter-stack') adapters.stack(request.stack, request.continueTop);
    return adapters.report;
  }

  /** Keeps what a run has learnt under the recipe's name, everything as one adapter. */
  async keepRun(bench: Workbench, { name, stages }: Recipe): Promise<void> {
    if (!bench.policy.changed || !stages.some((stage) => descriptorOf(stage).trains)) return;
    this.adapters.keep(name, combine(await bench.policy.learnt()));
  }

  async talk(
    question: Extract<Request, { type: 'chat' }>,
    bench: Workbench | null,
    emit: (event: ChatEvent) => void,
  ): Promise<ChatAnswer> {
    const tuned = (await this.adapters.policy()) ?? bench?.policy ?? new Policy(this.#loaded.model);
    return this.chat.answer(question, tuned, emit);
  }

  /** Digest of the weights that a policy answers with; of the tuned one null, where nothing was learnt. */
  async weightsOf(bench: Workbench | null, policy: PolicyName): Promise<string | null> {
    if (policy === 'base') return this.#digests.base();
    const { inUse } = this.adapters;
    if (inUse) return inUse.length > 0 ? this.#digests.stack(inUse) : null;
    return bench?.policy.changed ? this.#digests.policy(bench.policy) : null;
  }

  /** Answers to rows; the tuned policy is the run's or the stack's. */
  async answer(bench: Workbench, rows: readonly Row[], policy: PolicyName): Promise<Answer[]> {
    const stack = policy === 'tuned' ? await this.adapters.policy() : null;
    if (!stack) return answerRows(bench, rows, policy);
    const generator = new Generator(stack, this.#loaded.processor, bench.samples);
    try {
      return await answerRows(bench, rows, policy, generator);
    } finally {
      generator.destroy();
    }
  }

  /** Loss of every digit of the row's boxes; the tuned policy is the run's or the stack's. */
  async heat(bench: Workbench, row: Row, policy: PolicyName): Promise<CoordinateHeat> {
    const tuned = policy === 'tuned' ? ((await this.adapters.policy()) ?? bench.policy) : null;
    const scorer = new Scorer(this.#loaded.model, tuned?.adapter ?? null, tuned?.weights);
    try {
      return await heatRow(bench, row, policy, scorer);
    } finally {
      scorer.destroy();
    }
  }

  /**
   * The files of an export, each produced when it is read. Throws `adapter-missing` for an adapter before anything was
   * trained; merged weights are then those of the checkpoint.
   */
  async files({ what, adapter, style }: ExportChoice, bench: Workbench | null): Promise<OutputFile[]> {
    const { folder, checkpoint, model, architecture, name } = this.#loaded;
    const parts = adapter === undefined ? await this.#inUse(bench) : [this.adapters.adapter(adapter)];
    if (what === 'adapter') return adapterFiles(combine(parts ?? nothingLearnt()), model.linears, name, style);
    const canonical = (key: string) => architecture.canonicalName(key);
    return mergedFiles(folder, checkpoint, await shardNames(folder), parts ?? [], canonical);
  }

  async #inUse(bench: Workbench | null): Promise<readonly MergedAdapter[] | null> {
    const stack = this.adapters.inUse;
    return stack?.length ? stack : (bench?.policy.learnt() ?? null);
  }
}

function nothingLearnt(): never {
  throw new GroundworkError(
    'adapter-missing',
    'Nothing has been trained yet.',
    'Run a recipe with an SFT or GRPO stage first, or import an adapter.',
  );
}
