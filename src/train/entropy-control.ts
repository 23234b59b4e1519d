/**
 * The coefficient of the entropy bonus from step to step: as set, or raised while the policy is surer of itself than
 * wanted and lowered again after that (TRL's use_adaptive_entropy; Skywork-OR1, arXiv 2505.22312).
 */
export interface EntropySettings {
  readonly entropyCoef: number;
  readonly useAdaptiveEntropy?: boolean;
  readonly entropyCoefMin?: number;
  readonly entropyCoefMax?: number;
  readonly entropyCoefDelta?: number;
  /** Nats a token. */
  readonly entropyTarget?: number;
}

/** TRL's defaults. */
export const ENTROPY_DEFAULTS = {
  useAdaptiveEntropy: false,
  entropyCoefMin: 0,
  entropyCoefMax: 1,
  entropyCoefDelta: 0.005,
  entropyTarget: 0.2,
} as const satisfies Omit<Required<EntropySettings>, 'entropyCoef'>;

export interface EntropyState {
  readonly coefficient: number;
  /** Mean entropy at the last step; null: there was none. */
  readonly last: number | null;
}

export class EntropyControl {
  readonly #settings: Required<EntropySettings>;
  #state: EntropyState;

  constructor(settings: EntropySettings, state?: EntropyState) {
    this.#settings = { ...ENTROPY_DEFAULTS, ...settings };
    this.#state = state ?? { coefficient: settings.entropyCoef, last: null };
  }

  get state(): EntropyState {
    return this.#state;
  }

  /** What the next step takes of the entropy. Adaptive: nothing while the policy is less sure than wanted. */
  get applied(): number {
    const { coefficient, last } = this.#state;
    const { useAdaptiveEntropy, entropyTarget } = this.#settings;
    return !useAdaptiveEntropy || (last !== null && last <= entropyTarget) ? coefficient : 0;
  }

  /** After a step, with the mean entropy of the tokens that the bonus acts on. */
  observe(entropy: number): void {
    const { useAdaptiveEntropy, entropyTarget, entropyCoefDelta, entropyCoefMin, entropyCoefMax } = this.#settings;
    if (!useAdaptiveEntropy) return;
    const { coefficient } = this.#state;
    this.#state = {
      coefficient:
        entropy <= entropyTarget
          ? Math.min(coefficient + entropyCoefDelta, entropyCoefMax)
          : Math.max(coefficient - entropyCoefDelta, entropyCoefMin),
      last: entropy,
    };
  }
}
