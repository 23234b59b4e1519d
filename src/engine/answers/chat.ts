/** Answers a conversation with pictures, piece by piece as the tokens come. */
import { GroundworkError, invariant } from '../../base/error.ts';
import type { Size } from '../../grounding/box.ts';
import { parseAnswer } from '../../grounding/parse.ts';
import { decodeImage } from '../../image/decode.ts';
import { encodeConversation } from '../../models/encode.ts';
import type { LoadedModel } from '../../models/load.ts';
import { budgetKey } from '../../models/picture-budget.ts';
import type { Processor } from '../../models/processor.ts';
import type { PixelInput } from '../../models/model.ts';
import { promptMessages } from '../../data/target.ts';
import type { Row } from '../../data/row.ts';
import { askedHow, promptingOf, type RowForm } from '../../train/prompt.ts';
import { Generator, type Promptable } from '../../train/generate.ts';
import type { EncodedPrompt } from '../../train/pack.ts';
import type { Policy } from '../../train/policy.ts';
import { VisionRunner } from '../../train/vision-runner.ts';
import type { SeenUnder } from '../model/model-holder.ts';
import type { ChatAnswer, ChatEvent, ChatPicture, ChatRequest } from '../protocol/chat.ts';
import { groundedBoxes } from '../../grounding/box.ts';

type Question = Extract<ChatRequest, { type: 'chat' }>;

/** A picture that was looked at. */
interface Seen {
  readonly natural: Size;
  readonly model: Size;
  readonly features: Float32Array<ArrayBuffer>;
}

/** Pictures whose features are kept. */
const KEPT = 32;

export class Chat {
  readonly #loaded: LoadedModel;
  readonly #vision: VisionRunner;
  readonly #seen = new Map<string, Seen>();
  readonly #active = new Map<string, AbortController>();

  constructor(loaded: LoadedModel) {
    this.#loaded = loaded;
    this.#vision = new VisionRunner(loaded.model);
  }

  /** Room for an answer that may have to wait for its turn: it can be stopped from now on. */
  announce(chatId: string): void {
    this.#active.set(chatId, new AbortController());
  }

  /** False: nothing of that name is being answered. */
  stop(chatId: string): boolean {
    const active = this.#active.get(chatId);
    active?.abort();
    return active !== undefined;
  }

  /** @throws GroundworkError `budget-unsupported`, `chat-invalid`, `image-undecodable`, `image-shape`, `row-encoding`, `binding-limit` */
  async answer(
    question: Question,
    policy: Policy,
    seen: SeenUnder,
    emit: (event: ChatEvent) => void,
  ): Promise<ChatAnswer> {
    const abort = this.#active.get(question.chatId) ?? new AbortController();
    try {
      return await this.#answer(question, policy, seen, abort, emit);
    } finally {
      this.#active.delete(question.chatId);
    }
  }

  destroy(): void {
    for (const abort of this.#active.values()) abort.abort();
    this.#vision.destroy();
    this.#seen.clear();
  }

  async #answer(
    question: Question,
    policy: Policy,
    { budget, by }: SeenUnder,
    abort: AbortController,
    emit: (event: ChatEvent) => void,
  ): Promise<ChatAnswer> {
    const processor = this.#loaded.processor.under(budget);
    const pictures = await this.#look(inOrder(question), processor, budgetKey(budget));
    const sizes = pictures.map(({ model: size }) => size);
    const { prompt, features, form } = this.#encode(question, processor, pictures);
    const generator = new Generator<Promptable>(policy, processor, { features: () => features });
    const stream = processor.tokenizer.stream();
    const ends = new Set(processor.eosTokenIds);
    const writing = new Writing(question.stop ?? [], (delta) => emit({ type: 'chat', chatId: question.chatId, delta }));
    const started = performance.now();
    try {
      const [[rollout] = []] = await generator.generate([{ prompt }], {
        numGenerations: 1,
        sampling: question.sampling,
        seed: question.seed,
        which: question.policy === 'base' ? 'base' : 'policy',
        signal: abort.signal,
        onTokens: (_, tokens) => {
          for (const id of tokens) if (!ends.has(id)) writing.add(stream.push(id));
          if (writing.ended) abort.abort();
        },
      });
      invariant(rollout, 'one prompt, one answer');
      writing.add(stream.flush());
      writing.finish();
      const { text } = writing;
      const parsed = parseAnswer(text, {
        convention: processor.convention,
        sizes,
        mode: 'tolerant',
        thinking: 'optional',
      });
      return {
        text,
        think: parsed.think,
        boxes: groundedBoxes(parsed.boxes),
        tokens: rollout.tokens.length,
        promptTokens: prompt.tokens.length,
        seconds: (performance.now() - started) / 1000,
        form,
        finish: writing.ended || !rollout.truncated ? 'end' : abort.signal.aborted ? 'stopped' : 'length',
        sizes: pictures.map(({ natural, model: size }) => ({ natural, model: size })),
        budgetOf: by,
      };
    } finally {
      generator.destroy();
    }
  }

  #encode(
    question: Question,
    processor: Processor,
    pictures: readonly Seen[],
  ): { prompt: EncodedPrompt; features: Float32Array<ArrayBuffer>; form: RowForm | null } {
    const { model } = this.#loaded;
    const sizes = pictures.map(({ model: size }) => size);
    const asked = askedAs(question, pictures.length, processor.convention.syntax.example);
    const messages = promptMessages({ prompt: asked.prompt }, processor.convention, sizes);
    const encoded = encodeConversation(processor, 'chat', messages, null, sizes);
    const { axes, next } = model.positions(encoded.tokens, encoded.grids);
    const features = new Float32Array(pictures.reduce((sum, p) => sum + p.features.length, 0));
    let at = 0;
    for (const picture of pictures) {
      features.set(picture.features, at);
      at += picture.features.length;
    }
    const { tokens, featureIndex, featureRows } = encoded;
    return { prompt: { id: 'chat', tokens, axes, next, featureIndex, featureRows }, features, form: asked.form };
  }

  /** @param under key of the budget: what was seen under another is seen anew */
  async #look(pictures: readonly ChatPicture[], processor: Processor, under: string): Promise<Seen[]> {
    const place = (id: string) => `${id} ${under}`;
    const known = new Map(pictures.map(({ id }) => [id, this.#seen.get(place(id))]));
    const missing = new Map(pictures.filter(({ id }) => !known.get(id)).map(({ id, file }) => [id, file]));
    const naturals: Size[] = [];
    async function* read(): AsyncGenerator<PixelInput> {
      for (const file of missing.values()) {
        const image = await decodeImage(file);
        naturals.push({ width: image.width, height: image.height });
        yield processor.pixels(image);
      }
    }
    const features = await this.#vision.run(read());
    [...missing.keys()].forEach((id, i) => {
      const natural = naturals[i]!;
      known.set(id, { natural, model: processor.modelSize(natural), features: features[i]! });
    });
    // Last used, last forgotten.
    for (const [id, picture] of known) {
      this.#seen.delete(place(id));
      this.#seen.set(place(id), picture!);
    }
    while (this.#seen.size > KEPT) this.#seen.delete(this.#seen.keys().next().value!);
    return pictures.map(({ id }) => known.get(id)!);
  }
}

/** The pictures in the order in which the conversation shows them. */
function inOrder({ messages, pictures }: Question): ChatPicture[] {
  if (messages.at(-1)?.role !== 'user')
    throw new GroundworkError('chat-invalid', 'The last turn is not from the user.', 'Ask a question first.');
  return messages.flatMap(({ content }) =>
    content.flatMap((segment) => {
      if (segment.type !== 'image') return [];
      const picture = pictures[segment.image];
      if (!picture)
        throw new GroundworkError(
          'chat-invalid',
          `The conversation refers to picture ${segment.image + 1}, but there are ${pictures.length}.`,
          'Add the picture again.',
        );
      return [picture];
    }),
  );
}

/** The turns with pictures numbered as shown. */
function numbered({ messages }: Question): Question['messages'] {
  let next = 0;
  return messages.map(({ role, content }) => ({
    role,
    content: content.map((segment) => (segment.type === 'image' ? { ...segment, image: next++ } : segment)),
  }));
}

/** The conversation with the words that a plan puts around a row whose answer is boxes; of a mix, as one that thinks. */
function askedAs(question: Question, pictures: number, example: (pictures: number) => string) {
  const prompt = numbered(question);
  const prompting = question.recipe ? promptingOf(question.recipe) : null;
  if (!prompting) return { prompt, form: null };
  const { answerForm } = askedHow(prompting.settings, '');
  const form: RowForm = answerForm === 'mix' ? 'think' : answerForm;
  const row: Row = {
    id: question.chatId,
    task: '',
    split: 'heldout',
    images: Array.from({ length: pictures }, (_, i) => String(i)),
    prompt,
    answer: [],
    solution: [],
    nothing: true,
    source: { file: '', line: 0 },
  };
  return { prompt: prompting.ask(row, form, example).prompt, form };
}

/** Text as it grows, cut before the first stop string: what might be the beginning of one is held back. */
export class Writing {
  readonly #stops: readonly string[];
  readonly #emit: (delta: string) => void;
  #held = '';
  text = '';
  ended = false;

  constructor(stops: readonly string[], emit: (delta: string) => void) {
    this.#stops = stops.filter((stop) => stop !== '');
    this.#emit = emit;
  }

  add(piece: string): void {
    if (this.ended || piece === '') return;
    this.#held += piece;
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    if (found.length) {
      this.ended = true;
      this.#give(Math.min(...found));
      return;
    }
    const longest = this.#stops.reduce((most, stop) => Math.max(most, beginning(stop, this.#held)), 0);
    this.#give(this.#held.length - longest);
  }

  /** Nothing more comes: what was held back is text after all. */
  finish(): void {
    if (!this.ended) this.#give(this.#held.length);
  }

  #give(length: number): void {
    const delta = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (delta === '') return;
    this.text += delta;
    this.#emit(delta);
  }
}

/** How much of the end of `text` is the beginning of `stop`. */
function beginning(stop: string, text: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
