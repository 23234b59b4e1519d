/**
 * What the page and the engine's worker say to each other: plain data, discriminated by `type`. A request carries an
 * id and gets exactly one reply; events come unasked. The same session answers under Node, without a worker.
 */
import type { AdaptersEvent, AdaptersReplies, AdaptersRequest } from './adapters.ts';
import type { AnswerReplies, AnswerRequest } from './answers.ts';
import type { ChatEvent, ChatReplies, ChatRequest } from './chat.ts';
import type { DatasetReplies, DatasetRequest } from './dataset.ts';
import type { DeviceReplies, DeviceRequest } from './device.ts';
import type { ExportEvent, ExportReplies, ExportRequest } from './export.ts';
import type { HubProgressEvent, HubReplies, HubRequest, HubTroubleEvent } from './hub.ts';
import type { JobReplies, JobRequest } from './jobs.ts';
import type { KeepReplies, KeepRequest } from './keep.ts';
import type { ModelReplies, ModelRequest, ReckoningEvent } from './model.ts';
import type { PictureReplies, PictureRequest } from './pictures.ts';
import type { ReportReplies, ReportRequest } from './report.ts';
import type { ResultReplies, ResultRequest } from './results.ts';
import type { RunEvent, RunReplies, RunRequest } from './run.ts';
import type { ScoreReplies, ScoreRequest } from './scores.ts';
import type { ThoughtsEvent, ThoughtsReplies, ThoughtsRequest } from './thoughts.ts';
import type { FailureEvent, LoadingEvent, SilenceEvent } from './words.ts';

/** The parts of the protocol that the engine itself answers. */
interface Parts {
  readonly adapters: AdaptersRequest;
  readonly answers: AnswerRequest;
  readonly chat: ChatRequest;
  readonly dataset: DatasetRequest;
  readonly device: DeviceRequest;
  readonly export: ExportRequest;
  readonly jobs: JobRequest;
  readonly keep: KeepRequest;
  readonly model: ModelRequest;
  readonly pictures: PictureRequest;
  readonly report: ReportRequest;
  readonly results: ResultRequest;
  readonly run: RunRequest;
  readonly scores: ScoreRequest;
  readonly thoughts: ThoughtsRequest;
}

export type EngineRequest = Parts[keyof Parts];

export interface Replies
  extends
    AdaptersReplies,
    AnswerReplies,
    ChatReplies,
    DatasetReplies,
    DeviceReplies,
    ExportReplies,
    HubReplies,
    JobReplies,
    KeepReplies,
    ModelReplies,
    PictureReplies,
    ReportReplies,
    ResultReplies,
    RunReplies,
    ScoreReplies,
    ThoughtsReplies {}

/** Requests of a name that two parts have; requests without a reply; replies to nothing. There are none. */
type Misfits =
  | { [P in keyof Parts]: Extract<Parts[P]['type'], Parts[Exclude<keyof Parts, P>]['type']> }[keyof Parts]
  | Extract<EngineRequest['type'], HubRequest['type']>
  | Exclude<(EngineRequest | HubRequest)['type'], keyof Replies>
  | Exclude<keyof Replies, (EngineRequest | HubRequest)['type']>;
/** What the compiler refuses wherever anything is left of it. */
type None<T extends never> = T;

export type Request = EngineRequest | HubRequest | None<Misfits>;

type RequestsByType = { readonly [T in Request['type']]: Extract<Request, { readonly type: T }> };

/** The request of a type. */
export type RequestOf<T extends Request['type']> = RequestsByType[T];

/** One handler for each request of a part of the protocol, and for no other. */
export type Handlers<R extends Request> = {
  readonly [T in R['type']]: (request: RequestOf<T>) => Promise<Replies[T]>;
};

export type EngineEvent =
  | RunEvent
  | AdaptersEvent
  | ChatEvent
  | ExportEvent
  | HubProgressEvent
  | HubTroubleEvent
  | ThoughtsEvent
  | LoadingEvent
  | ReckoningEvent
  | SilenceEvent
  | FailureEvent;

export type ToEngine = { readonly id: number; readonly request: Request };
/** Asks the worker whether it still listens; `heard` is the answer. */
export const LISTENING = 'listening?';
export type FromEngine =
  | { readonly kind: 'heard' }
  /** The worker holds the lock of its name, and lives for as long as it does (life.ts). */
  | { readonly kind: 'alive' }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly hint: string;
      readonly trace?: string;
    }
  | { readonly kind: 'event'; readonly event: EngineEvent };
