/** How far a stage has come by the metric that its best checkpoint is chosen by. */
/** Plain data: checkpoints keep it. */
export interface BestState {
  readonly value: number | null;
  /** Step of the run after which it was measured. */
  readonly step: number;
  /** Measurements since that were no better. */
  readonly worse: number;
  /** The last step whose accuracy was measured: a resumed run does not measure it twice. */
  readonly measuredAt: number;
  /** It became better, and no checkpoint was kept as the best since. Absent: one was, or nothing became better. */
  readonly unkept?: true;
}
