/** Where the plans of runs differ, setting by setting. */
import type { Recipe } from '../../engine/protocol/index.ts';
import { DRAW, DRAW_SCHEMA, getAt, PICTURES_SCHEMA, PROMPT, PROMPT_SCHEMA, STAGES } from '../../engine/presets.ts';
import { fieldsOf } from './fields.ts';
import { KIND_NAMES } from './kinds/index.ts';

export interface Difference {
  /** The stage by its place and name; empty for what the whole plan has. */
  readonly stage: string;
  readonly setting: string;
  /** Its name in TRL or PEFT. */
  readonly name: string;
  /** One a plan, in their order; null: it has no such stage. */
  readonly values: readonly (string | null)[];
}

const words = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);

const differ = (values: readonly unknown[]): boolean => new Set(values).size > 1;

/** Stages are compared by their place: where plans have another kind of stage, only that is told. */
export function differences(plans: readonly Recipe[]): Difference[] {
  const found: Difference[] = [];
  const tell = (stage: string, setting: string, name: string, values: readonly (string | null)[]) => {
    if (differ(values)) found.push({ stage, setting, name, values });
  };
  tell(
    '',
    'Seed',
    'seed',
    plans.map(({ seed }) => String(seed)),
  );
  /** Settings of a plan as a whole; where it has none, their defaults. */
  const tellAll = <T extends object>(of: string, schema: object, settings: readonly T[], byName: keyof T & string) => {
    for (const key of Object.keys(schema) as (keyof T & string)[])
      tell(
        of,
        key,
        '',
        settings.map((each) => words(each[key])),
      );
    tell(
      of,
      byName,
      '',
      settings.map((each) => JSON.stringify(each[byName] ?? {})),
    );
  };
  tellAll(
    'Prompt',
    PROMPT_SCHEMA,
    plans.map(({ prompt }) => prompt ?? PROMPT),
    'tasks',
  );
  tellAll(
    'Rows',
    DRAW_SCHEMA,
    plans.map(({ draw }) => draw ?? DRAW),
    'shares',
  );
  for (const key of Object.keys(PICTURES_SCHEMA) as (keyof typeof PICTURES_SCHEMA)[])
    tell(
      'Pictures',
      key,
      '',
      plans.map(({ pictures }) => words(pictures?.[key] ?? 'the checkpoint’s')),
    );
  const longest = Math.max(...plans.map(({ stages }) => stages.length));
  for (let i = 0; i < longest; i++) {
    const stages = plans.map((plan) => plan.stages[i]);
    const kinds = stages.map((stage) => (stage ? KIND_NAMES[stage.kind] : null));
    const [first] = stages;
    if (!first || differ(kinds)) {
      tell(`${i + 1}.`, 'Kind of stage', '', kinds);
      continue;
    }
    for (const { path, label, name } of fieldsOf(first.kind).flatMap(({ fields }) => fields))
      tell(
        `${i + 1}. ${first.name}`,
        label,
        name,
        // A plan older than a setting ran as if it had the default.
        stages.map((stage) => words(getAt(stage, path) ?? getAt(STAGES[first.kind].defaults, path))),
      );
  }
  return found;
}
