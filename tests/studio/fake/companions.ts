/** Adapters and conversations as an engine would answer them, made up. */
import type {
  AdapterReport,
  AdaptersReport,
  ChatAnswer,
  EngineEvent,
  Request,
} from '../../../src/engine/protocol/index.ts';
import { box01 } from '../../../src/grounding/box.ts';

type Ask<T extends Request['type']> = Extract<Request, { type: T }>;
type AdapterQuestion = Ask<
  'adapters' | 'adapter-import' | 'adapter-keep' | 'adapter-merge' | 'adapter-remove' | 'adapter-stack'
>;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class FakeShelf {
  #report: AdaptersReport = { adapters: [], stack: [], continueTop: false, tuned: 'run' };

  answer(request: AdapterQuestion): AdaptersReport {
    const { adapters, stack } = this.#report;
    if (request.type === 'adapter-import' || request.type === 'adapter-keep') {
      const imported = request.type === 'adapter-import';
      const adapter: AdapterReport = {
        id: `adapter-${adapters.length + 1}`,
        name: request.name,
        origin: imported ? 'imported' : 'trained',
        kind: 'LoRA',
        modules: 42,
        ranks: imported ? [8, 16] : [16, 16],
        parameters: 1_204_224,
        baseName: imported ? 'Qwen/Qwen2-VL-2B-Instruct' : null,
        matched: imported ? 84 : 84,
        total: imported ? 86 : 84,
        unmatched: imported
          ? ['base_model.model.model.visual.merger.mlp.0.lora_A.weight', 'base_model.model.score.lora_A.weight']
          : [],
        leftOut: 0,
        notes: [],
      };
      this.#report = { ...this.#report, adapters: [...adapters, adapter] };
    } else if (request.type === 'adapter-merge') {
      const named = (id: string) => adapters.find((adapter) => adapter.id === id)!.name;
      const merged: AdapterReport = {
        ...adapters.find(({ id }) => id === request.parts[0]!.id)!,
        id: `adapter-${adapters.length + 1}`,
        name: request.name,
        origin: 'merged',
        unmatched: [],
        merge: {
          kind: request.kind,
          norm: 4.31,
          parts: request.parts.map(({ id, weight }, i) => ({
            name: named(id),
            weight,
            norm: 3.2 + i,
            cosine: 0.91 - 0.3 * i,
          })),
          oddest: [7, 3].map((layer) => ({
            module: `model.language_model.layers.${layer}.mlp.down_proj`,
            cosines: request.parts.map((_, i) => 0.4 - 0.5 * i),
          })),
        },
      };
      this.#report = { ...this.#report, adapters: [...adapters, merged] };
    } else if (request.type === 'adapter-remove') {
      const kept = (id: string) => id !== request.id;
      this.#report = {
        ...this.#report,
        adapters: adapters.filter(({ id }) => kept(id)),
        stack: stack.filter(kept),
      };
    } else if (request.type === 'adapter-stack') {
      this.#report = { ...this.#report, stack: request.stack, continueTop: request.continueTop, tuned: 'stack' };
    }
    return this.#report;
  }
}

export class FakeTalk {
  readonly #emit: (event: EngineEvent) => void;
  readonly #stopped = new Set<string>();

  constructor(emit: (event: EngineEvent) => void) {
    this.#emit = emit;
  }

  async answer(request: Ask<'chat' | 'chat-stop'>): Promise<ChatAnswer | { stopped: boolean }> {
    if (request.type === 'chat-stop') {
      this.#stopped.add(request.chatId);
      return { stopped: true };
    }
    const { chatId, pictures } = request;
    const image = Math.min(1, pictures.length - 1);
    const think = 'I look at each picture. Only one of them has a red disc, in its upper left.';
    const whole = `<think>${think}</think><answer>Image-${image + 1}: (120,200),(480,640) <b>not bold</b></answer>`;
    let text = '';
    for (const piece of whole.split(/(?<= )/)) {
      if (this.#stopped.has(chatId)) break;
      text += piece;
      this.#emit({ type: 'chat', chatId, delta: piece });
      await pause(30);
    }
    const stopped = this.#stopped.has(chatId);
    return {
      text,
      think: stopped ? null : think,
      boxes: stopped || image < 0 ? [] : [{ image, box: box01(0.12, 0.2, 0.48, 0.64) }],
      tokens: 48,
      promptTokens: 700,
      seconds: 2,
      finish: stopped ? 'stopped' : 'end',
      form: null,
      sizes: pictures.map(() => ({ natural: { width: 320, height: 240 }, model: { width: 308, height: 252 } })),
      budgetOf: request.budget ? 'plan' : 'checkpoint',
    };
  }
}
