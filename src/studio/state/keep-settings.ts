/** How runs are kept, as this browser was told: how often they are saved, and how many checkpoints stay. */
import type { KeepSettings } from '../../engine/protocol/index.ts';

const SETTINGS = 'groundwork.keep';
const USUAL: KeepSettings = { everySteps: 20, everyMinutes: 2, keepLast: 2 };

/** Whole numbers from 1; whatever else is there takes its usual value. */
export function readKeepSettings(local: Pick<Storage, 'getItem'> | null): KeepSettings {
  try {
    const given = JSON.parse(local?.getItem(SETTINGS) ?? '{}') as Partial<Record<keyof KeepSettings, unknown>>;
    const whole = (key: keyof KeepSettings) => {
      const n = given[key];
      return typeof n === 'number' && Number.isSafeInteger(n) && n >= 1 ? n : USUAL[key];
    };
    return { everySteps: whole('everySteps'), everyMinutes: whole('everyMinutes'), keepLast: whole('keepLast') };
  } catch {
    return USUAL;
  }
}

export const writeKeepSettings = (local: Pick<Storage, 'setItem'> | null, settings: KeepSettings): void =>
  local?.setItem(SETTINGS, JSON.stringify(settings));
