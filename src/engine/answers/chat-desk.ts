/** The conversation with the model that is loaded. */
import { Policy } from '../../train/policy.ts';
import type { ModelHolder, NamedModel } from '../model/model-holder.ts';
import type { ChatAnswer, ChatEvent, ChatRequest } from '../protocol/chat.ts';
import type { Handlers, RequestOf } from '../protocol/messages.ts';
import { Chat } from './chat.ts';

export interface ChatHost {
  readonly holder: ModelHolder;
  /** Work that must not overlap with a step. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  emit(event: ChatEvent): void;
}

export class ChatDesk {
  readonly #host: ChatHost;
  #chat: { readonly with: NamedModel; readonly chat: Chat } | null = null;

  constructor(host: ChatHost) {
    this.#host = host;
    host.holder.onLeave(() => {
      this.#chat?.chat.destroy();
      this.#chat = null;
    });
  }

  readonly handlers: Handlers<ChatRequest> = {
    chat: async (request) => {
      // It may have to wait for its turn: it can be stopped from now on.
      this.#current().announce(request.chatId);
      return this.#host.aside(() => this.#talk(request));
    },
    'chat-stop': async ({ chatId }) => ({ stopped: this.#current().stop(chatId) }),
  };

  async #talk(question: RequestOf<'chat'>): Promise<ChatAnswer> {
    const { holder, emit } = this.#host;
    const { model } = holder.require();
    const tuned = (await holder.adapters.policy()) ?? holder.bench?.policy ?? new Policy(model);
    const seen = holder.seenUnder(question.budget);
    return this.#current().answer(question, tuned, seen, (event) => emit(event));
  }

  /** Throws `model-missing`. */
  #current(): Chat {
    const loaded = this.#host.holder.require();
    this.#chat ??= { with: loaded, chat: new Chat(loaded) };
    return this.#chat.chat;
  }
}
