/** What page and engine say to each other about the graphics device: what it is, how kernels are tuned to it, a proof. */
import type { Profile } from '../../gpu/tuning.ts';
import type { Contender } from '../../ops/trial.ts';

export type { Profile } from '../../gpu/tuning.ts';

export interface DeviceReport {
  readonly name: string;
  readonly vendor: string;
  readonly software: boolean;
  readonly features: { readonly f16: boolean; readonly subgroups: boolean; readonly timestamps: boolean };
  /** Largest storage binding, bytes. */
  readonly maxBindingBytes: number;
  readonly tuning: TuningReport;
}

export type ProfileChoice = Profile | 'auto';

/** How kernels are tuned to the adapter. */
export interface TuningReport {
  /** Now in use. */
  readonly profile: Profile;
  /** For when a device is opened next. */
  readonly choice: ProfileChoice;
  readonly supported: readonly Profile[];
  /** Median milliseconds of each profile that was tried; null where none had to be. */
  readonly trial: readonly Contender[] | null;
}

export interface SelfProof {
  readonly adapter: string;
  readonly rows: readonly {
    readonly op: string;
    readonly what: string;
    /** Largest difference over the largest value. */
    readonly error: number;
    readonly tolerance: number;
    readonly passed: boolean;
  }[];
}

export type DeviceRequest =
  | { readonly type: 'device' }
  /** Small cases of every kernel against f64, on this adapter. */
  | { readonly type: 'self-proof' }
  /** Takes effect when a device is opened next. */
  | { readonly type: 'choose-profile'; readonly choice: ProfileChoice };

export interface DeviceReplies {
  device: DeviceReport;
  'self-proof': SelfProof;
  'choose-profile': DeviceReport;
}
