/** The part of the protocol for talking to a model: a conversation with pictures, answered as it is written. */
import type { Message } from '../../data/row.ts';
import type { RowForm } from '../../train/prompt.ts';
import type { GroundedBox, PictureBudget, PolicyName, Recipe, SamplingSettings, Size } from './words.ts';

/** A picture of the conversation. Its features are kept under the id, so that later turns cost no second look. */
export interface ChatPicture {
  readonly id: string;
  readonly file: Blob;
}

/** The run in view, the plan in the Recipe room, or the checkpoint's own files. */
export type BudgetOf = 'run' | 'plan' | 'checkpoint';

export type ChatRequest =
  | {
      readonly type: 'chat';
      /** Of this answer; events and `chat-stop` name it. */
      readonly chatId: string;
      readonly policy: PolicyName;
      /** Segments of type image name a place in `pictures`. The last turn is the user's. */
      readonly messages: readonly Message[];
      readonly pictures: readonly ChatPicture[];
      readonly sampling: SamplingSettings;
      readonly seed: number;
      /** The answer ends before the first of these. */
      readonly stop?: readonly string[];
      /** The plan's picture budget, for where no run is in view. */
      readonly budget?: PictureBudget | undefined;
      /** Whose prompt is put around the conversation; absent: none, it is asked as it is written. */
      readonly recipe?: Pick<Recipe, 'prompt' | 'seed'>;
    }
  | { readonly type: 'chat-stop'; readonly chatId: string };

export interface ChatAnswer {
  readonly text: string;
  readonly think: string | null;
  /** Fractions of the picture as it was given, whatever the model's own convention. */
  readonly boxes: readonly GroundedBox[];
  readonly tokens: number;
  /** Tokens of the prompt, pictures included. */
  readonly promptTokens: number;
  readonly seconds: number;
  readonly finish: 'end' | 'length' | 'stopped';
  /** The form that a recipe's prompt has asked the answer in; null: it was asked as it is written. */
  readonly form: RowForm | null;
  readonly sizes: readonly { readonly natural: Size; readonly model: Size }[];
  /** Whose picture budget the pictures were seen under. */
  readonly budgetOf: BudgetOf;
}

export interface ChatReplies {
  chat: ChatAnswer;
  'chat-stop': { readonly stopped: boolean };
}

/** What was written since the last such event. */
export interface ChatEvent {
  readonly type: 'chat';
  readonly chatId: string;
  readonly delta: string;
}
