/**
 * The order in which a run visits the stages of its plan: each once, and those of a part that is repeated once a round.
 * A visit is told by its stage and its round; the repetition itself is visited at the end of each round.
 */
import { textHash } from '../base/columns.ts';
import type { Stage } from './stages/index.ts';

export interface Visit {
  /** Place of the stage in its plan. */
  readonly index: number;
  readonly stage: Stage;
  /** From 0; 0 outside of a part that is repeated. */
  readonly round: number;
  /** Rounds of its part; 1 outside of one. */
  readonly rounds: number;
}

/** First stages, last stage (the repetition) and rounds of a part. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly rounds: number;
}

const partsOf = (stages: readonly Stage[]): Part[] =>
  stages.flatMap((stage, to) =>
    stage.kind === 'repeat' ? [{ from: to - stage.numStages, to, rounds: stage.numRounds }] : [],
  );

/** Why parts cannot be repeated as they are, by the place of the repetition. */
export function roundFaults(stages: readonly Stage[]): { readonly stage: number; readonly text: string }[] {
  return partsOf(stages).flatMap(({ from, to }) => {
    if (from < 0) return [{ stage: to, text: `There are only ${to} stages before it.` }];
    const inside = stages.slice(from, to).some(({ kind }) => kind === 'repeat');
    return inside ? [{ stage: to, text: 'It would repeat another repetition.' }] : [];
  });
}

/** @param most rounds of a part, at most: for those who need no more to know what happens */
export function visitsOf(stages: readonly Stage[], most = Infinity): Visit[] {
  const parts = partsOf(stages);
  const visits: Visit[] = [];
  for (let index = 0; index < stages.length;) {
    const part = parts.find(({ from }) => from === index);
    const to = part?.to ?? index;
    const rounds = part?.rounds ?? 1;
    for (let round = 0; round < Math.min(rounds, most); round++)
      for (let at = index; at <= to; at++) visits.push({ index: at, stage: stages[at]!, round, rounds });
    index = to + 1;
  }
  return visits;
}

/** Where a run stands between two visits, as its checkpoints keep it. Plans without rounds never say one. */
export interface VisitPlace {
  /** Place of the stage; as many as there are stages: the run is done. */
  readonly stage: number;
  readonly round?: number;
}

/** The place of a visit of all of them; after the last: the run's end. */
export function placeOf(visits: readonly Visit[], at: number, stages: number): VisitPlace {
  const visit = visits[at];
  if (!visit) return { stage: stages };
  return { stage: visit.index, ...(visit.round > 0 && { round: visit.round }) };
}

/** The visit of a place; as many as there are: the run is done. */
export function visitAt(visits: readonly Visit[], { stage, round = 0 }: VisitPlace): number {
  const at = visits.findIndex((visit) => visit.index === stage && visit.round === round);
  return at < 0 ? visits.length : at;
}

/** What a round draws by: the first as if there were no others, each other one anew. */
export const seedOf = (seed: number, round: number): number =>
  round === 0 ? seed : textHash(`round ${round} of ${seed}`);

/** A stage's name, with its round where there are several. */
export const visitName = ({ stage, round, rounds }: Visit): string =>
  rounds > 1 ? `${stage.name}, round ${round + 1}` : stage.name;
