/** Every setting of a stage as its form shows it: the words of the studio, and what the stage's schema allows. */
import { nameOf, STAGES, type Spec, type StageKind } from '../../engine/presets.ts';
import { wordsOf } from './kinds/index.ts';
import type { Words } from './kinds/words.ts';

export type Field = Spec &
  Omit<Words, 'group'> & {
    /** Place in the stage, e.g. `lora.r`. */
    readonly path: string;
    /** The counterpart's name. */
    readonly name: string;
  };

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly Field[];
}

export function fieldsOf(kind: StageKind): readonly FieldGroup[] {
  const schema: Readonly<Record<string, Spec>> = STAGES[kind].schema;
  const groups = new Map<string, Field[]>();
  for (const [path, { group, ...words }] of Object.entries<Words>(wordsOf(kind).settings)) {
    const spec = schema[path]!;
    const fields = groups.get(group) ?? [];
    groups.set(group, fields);
    fields.push({ ...spec, ...words, path, name: nameOf(path, spec) });
  }
  return [...groups].map(([title, fields]) => ({ title, fields }));
}
