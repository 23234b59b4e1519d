/** The kernels of the objectives. They stand apart because the page reads what an objective is, and needs no shaders. */
import cispo from '../../shaders/loss/cispo.wgsl';
import clipped from '../../shaders/loss/clipped.wgsl';
import gmpo from '../../shaders/loss/gmpo.wgsl';
import sapo from '../../shaders/loss/sapo.wgsl';
import vespo from '../../shaders/loss/vespo.wgsl';
import { OBJECTIVES, type Objective, type ObjectiveName } from './objectives.ts';

/** `objective`, and `tokenShare` where it has a sequence of its own. */
const SOURCES: Readonly<Record<ObjectiveName, string>> = { clipped, cispo, sapo, vespo, gmpo };

export interface ObjectiveKernel extends Objective {
  readonly source: string;
}

export const kernelOf = (name: ObjectiveName): ObjectiveKernel => ({ ...OBJECTIVES[name], source: SOURCES[name] });
