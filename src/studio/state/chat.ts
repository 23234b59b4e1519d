/** The conversation in the Try room: pictures, turns, and the answer that is being written. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { isPictureName, PICTURE_FORMATS } from '../../base/picture-files.ts';
import type { EngineClient } from '../../engine/client.ts';
import type {
  ChatAnswer,
  EngineEvent,
  Message,
  NamedFile,
  PolicyName,
  Recipe,
  Segment,
} from '../../engine/protocol/index.ts';
import type { PictureCache } from './picture-cache.ts';
import { problemOf, type Problem } from '../problem.ts';

/** Under which name the page's own pictures are in the picture cache. */
export const CHAT_PICTURES = 'conversation';

export interface ChatPictureFile {
  readonly id: string;
  readonly name: string;
  readonly file: Blob;
}

export interface Turn {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  /** Places in `pictures` that the turn brought along. */
  readonly pictures: readonly number[];
  readonly policy?: PolicyName;
  /** Set when an answer has ended. */
  readonly answer?: ChatAnswer;
}

export interface ChatSettings {
  readonly policy: PolicyName;
  /** With the words that the open recipe puts around its rows, or as the question is written. */
  readonly asked: 'plan' | 'own';
  readonly system: string;
  readonly temperature: number;
  readonly maxCompletionLength: number;
}

export interface Conversation {
  readonly pictures: readonly ChatPictureFile[];
  /** How many of the pictures were sent with a turn; the rest wait for the next. */
  readonly sent: number;
  readonly turns: readonly Turn[];
  readonly settings: ChatSettings;
  /** Id of the answer that is being written. */
  readonly writing: string | null;
  readonly problem: Problem | null;
  add(files: readonly NamedFile[]): void;
  /** Takes a waiting picture away. */
  remove(at: number): void;
  set(settings: Partial<ChatSettings>): void;
  /** False: it failed, and the question is not part of the conversation. */
  ask(text: string): Promise<boolean>;
  stop(): void;
  clear(): void;
  dismiss(): void;
  receive(events: readonly EngineEvent[]): void;
}

const isPicture = ({ path, file }: NamedFile) => file.type.startsWith('image/') || isPictureName(path);

/** @param planOf the recipe whose prompt questions are asked with, and under whose budget pictures are seen */
export function createChat(
  client: EngineClient,
  cache: PictureCache,
  planOf: () => Pick<Recipe, 'prompt' | 'seed' | 'pictures'> | null = () => null,
): StoreApi<Conversation> {
  let seed = 0;
  return createStore<Conversation>()((set, get) => {
    const changeLast = (change: (turn: Turn) => Turn) =>
      set(({ turns }) => ({ turns: [...turns.slice(0, -1), change(turns.at(-1)!)] }));
    return {
      pictures: [],
      sent: 0,
      turns: [],
      settings: { policy: 'base', asked: 'plan', system: '', temperature: 0, maxCompletionLength: 512 },
      writing: null,
      problem: null,
      add(files) {
        const pictures = files
          .filter(isPicture)
          .map(({ path, file }) => ({ id: crypto.randomUUID(), name: path, file }));
        for (const { id, file } of pictures) cache.put(CHAT_PICTURES, id, file);
        set((chat) => ({
          pictures: [...chat.pictures, ...pictures],
          problem: pictures.length
            ? null
            : {
                code: 'no-picture',
                what: 'These files contain no picture.',
                hint: `Groundwork reads ${PICTURE_FORMATS}.`,
              },
        }));
      },
      remove(at) {
        const { pictures, sent } = get();
        if (at < sent || !pictures[at]) return;
        cache.drop(CHAT_PICTURES, pictures[at].id);
        set({ pictures: pictures.filter((_, i) => i !== at) });
      },
      set: (settings) => set((chat) => ({ settings: { ...chat.settings, ...settings } })),
      async ask(text) {
        const { pictures, sent, settings, turns, writing } = get();
        if (writing) return false;
        const chatId = crypto.randomUUID();
        const brought = pictures.slice(sent).map((_, i) => sent + i);
        const asked: Turn[] = [...turns, { id: crypto.randomUUID(), role: 'user', text, pictures: brought }];
        const answer: Turn = { id: chatId, role: 'assistant', text: '', pictures: [], policy: settings.policy };
        set({ turns: [...asked, answer], sent: pictures.length, writing: chatId, problem: null });
        const { policy, system, temperature, maxCompletionLength } = settings;
        const plan = settings.asked === 'plan' ? planOf() : null;
        try {
          const reply = await client.request({
            type: 'chat',
            chatId,
            policy,
            messages: messagesOf(system, asked),
            pictures: pictures.map(({ id, file }) => ({ id, file })),
            sampling: { temperature, topK: 0, topP: 1, maxCompletionLength },
            seed: seed++,
            ...(plan?.prompt && { recipe: { prompt: plan.prompt, seed: plan.seed } }),
            budget: planOf()?.pictures,
          });
          if (get().writing !== chatId) return true;
          changeLast((turn) => ({ ...turn, text: reply.text, answer: reply }));
          set({ writing: null });
          return true;
        } catch (error) {
          if (get().writing !== chatId) return true;
          set({ turns, sent, writing: null, problem: problemOf(error) });
          return false;
        }
      },
      stop() {
        const { writing } = get();
        if (writing) client.request({ type: 'chat-stop', chatId: writing }).catch(() => undefined);
      },
      clear() {
        get().stop();
        for (const { id } of get().pictures) cache.drop(CHAT_PICTURES, id);
        set({ pictures: [], sent: 0, turns: [], writing: null, problem: null });
      },
      dismiss: () => set({ problem: null }),
      receive(events) {
        const { writing } = get();
        const delta = events.map((e) => (e.type === 'chat' && e.chatId === writing ? e.delta : '')).join('');
        if (delta) changeLast((turn) => ({ ...turn, text: turn.text + delta }));
      },
    };
  });
}

function messagesOf(system: string, turns: readonly Turn[]): Message[] {
  const head: Message[] = system.trim() ? [{ role: 'system', content: [{ type: 'text', text: system }] }] : [];
  return [
    ...head,
    ...turns.map(({ role, text, pictures }): Message => {
      const shown = pictures.map((image): Segment => ({ type: 'image', image }));
      return { role, content: [...shown, { type: 'text', text }] };
    }),
  ];
}
