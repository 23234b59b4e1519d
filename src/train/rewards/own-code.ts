/**
 * A reward of one's own, in JavaScript: `function reward(completion, row)`. It runs in an interpreter of its own
 * (QuickJS, compiled to plain JavaScript: the page's policy allows no WebAssembly, and so it is the same in browser and
 * Node). There is no network, storage, clock or chance in it, and each call begins with nothing from the one before:
 * the same answer earns the same, whatever was scored earlier and wherever a run is resumed. docs/decisions/0034.
 */
import { count } from '../../base/counts.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Row } from '../../data/row.ts';
import { questionOf } from '../../data/wanted.ts';
import type { PredictedBox } from './matching.ts';

/** What the code is given: plain data, pictures counted from 1, boxes as fractions of their picture. */
export interface OwnInput {
  readonly completion: {
    /** The whole text, the thought without its tags, and the words of the part that answers. */
    readonly text: string;
    readonly think: string | null;
    readonly answer: string;
    readonly tokens: number;
    readonly boxes: readonly { readonly image: number | null; readonly box: readonly number[] }[];
  };
  readonly row: {
    readonly id: string;
    readonly task: string;
    readonly question: string;
    readonly images: number;
    readonly solution: readonly { readonly image: number; readonly box: readonly number[] }[];
    /** The right answer is that nothing is there. */
    readonly nothing: boolean;
  };
}

/** Scores one answer; null: the rule does not apply. Throws `own-reward`. */
export type OwnRule = (input: OwnInput) => number | null;

/** The engine looks whether to stop every so many steps; so many looks a call. */
const STEPS_A_LOOK = 10_000;
const MOST_LOOKS = 500;
const PAGE = 2 ** 16;
/** All that the interpreter may ever hold, and what it begins with, pages of 64 KiB. QuickJS's own limit counts no sizes here. */
const [MOST_PAGES, FIRST_PAGES] = [512, 256];
const STACK_BYTES = 256 * 2 ** 10;

/** Longest code, characters. */
export const MOST_CODE = 20_000;

/** What stands in the form before anything is written. */
export const CODE_EXAMPLE = `// 1 for a right picture, less the longer the thought.
function reward(completion, row) {
  if (row.solution.length === 0) return null;
  const right = completion.boxes.some((b) => row.solution.some((s) => s.image === b.image));
  const words = (completion.think ?? '').split(/\\s+/).length;
  return right ? Math.max(0, 1 - words / 200) : 0;
}`;

/** Taken away before the code is read: what tells the time, rolls dice, or shows when memory is freed. */
const WITHOUT = `delete globalThis.Date; delete Math.random; delete globalThis.performance;
delete globalThis.WeakRef; delete globalThis.FinalizationRegistry;`;
const parse = `((parse) => (json) => { const [completion, row] = parse(json); return reward(completion, row); })(JSON.parse)`;

const failed = (what: string, hint = 'Correct the code of this reward in the recipe, and try it on recorded groups.') =>
  new GroundworkError('own-reward', what, hint);

/** The interpreter's memory, which refuses to grow beyond its bound: QuickJS then says that it is out of memory. */
class Heap {
  buffer = new ArrayBuffer(FIRST_PAGES * PAGE);
  #grow: (pages: number) => number = () => -1;

  get grow(): (pages: number) => number {
    return (pages) => {
      if (this.buffer.byteLength + pages * PAGE > MOST_PAGES * PAGE) throw new RangeError('the bound is reached');
      return this.#grow(pages);
    };
  }

  /** The interpreter brings its own way to grow along. */
  set grow(grow) {
    this.#grow = grow;
  }
}

/** A megabyte of script, loaded when code is first to be run. */
let engine: ReturnType<typeof load> | undefined;
const loaded = () => (engine ??= load());
async function load() {
  const [{ newQuickJSWASMModuleFromVariant, newVariant }, { default: variant }] = await Promise.all([
    import('quickjs-emscripten-core'),
    import('@jitl/quickjs-asmjs-mjs-release-sync'),
  ]);
  const wasmMemory = new Heap() as unknown as WebAssembly.Memory;
  return newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory }));
}

/** A rule from its code, tried once for its form. Throws `own-reward` with what is wrong. */
export async function ownRule(code: string): Promise<OwnRule> {
  const interpreter = await loaded();

  /** Runs the code from nothing, then what it is wanted for; everything is freed afterwards. */
  const run = (input: OwnInput | null): number | null => {
    const runtime = interpreter.newRuntime();
    let looks = 0;
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => ++looks > MOST_LOOKS);
    const context = runtime.newContext();
    try {
      const evaluated = (source: string, name: string) => {
        const result = context.evalCode(source, name);
        if (!result.error) return result.value;
        const what = context.dump(result.error) as unknown;
        result.error.dispose();
        throw fault(what, looks);
      };
      evaluated(WITHOUT, 'house').dispose();
      evaluated(code, 'reward').dispose();
      const kind = evaluated('typeof reward', 'house').consume((value) => context.getString(value));
      if (kind !== 'function') throw failed('The code of your own reward has no function called reward.');
      if (input === null) return null;
      const call = evaluated(parse, 'house');
      const json = context.newString(JSON.stringify([input.completion, input.row]));
      const result = context.callFunction(call, context.undefined, json);
      call.dispose();
      json.dispose();
      if (result.error) {
        const what = context.dump(result.error) as unknown;
        result.error.dispose();
        throw fault(what, looks);
      }
      const value = context.dump(result.value) as unknown;
      result.value.dispose();
      return asReward(value);
    } finally {
      context.dispose();
      runtime.dispose();
    }
  };
  run(null);
  return (input) => {
    try {
      return run(input);
    } catch (error) {
      if (!(error instanceof GroundworkError)) throw error;
      throw failed(`${error.message} (row ${input.row.id})`, error.hint);
    }
  };
}

function asReward(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw failed(
    `Your own reward gave ${typeof value === 'number' ? String(value) : `something of type ${typeof value}`}, which is no number.`,
    'It must return a finite number, or null where the rule does not apply.',
  );
}

function fault(what: unknown, looks: number): GroundworkError {
  const { name = 'Error', message = String(what) } = (what ?? {}) as { name?: string; message?: string };
  if (looks > MOST_LOOKS)
    return failed(
      `Your own reward was stopped after ${count(MOST_LOOKS * STEPS_A_LOOK)} steps.`,
      'One answer may take no more. Look for a loop that does not end.',
    );
  if (/out of memory|string too long/i.test(message))
    return failed(
      `Your own reward was stopped: it needs more than ${(MOST_PAGES * PAGE) / 2 ** 20} MiB.`,
      'One answer may take no more. Look for a list that only grows.',
    );
  return failed(`Your own reward failed: ${name}: ${message}`);
}

/** An answer and its row as the code is given them. */
export const ownInput = (
  completion: {
    readonly text: string;
    readonly tokens: number;
    readonly answer: {
      readonly think: string | null;
      readonly answer: string;
      readonly boxes: readonly PredictedBox[];
    };
  },
  row: Pick<Row, 'id' | 'task' | 'prompt' | 'images' | 'solution' | 'nothing'>,
): OwnInput => ({
  completion: {
    text: completion.text,
    think: completion.answer.think,
    answer: completion.answer.answer,
    tokens: completion.tokens,
    boxes: completion.answer.boxes.map(({ image, box }) => ({
      image: image === null ? null : image + 1,
      box: [...box],
    })),
  },
  row: {
    id: row.id,
    task: row.task,
    question: questionOf(row.prompt),
    images: row.images.length,
    solution: row.solution.map(({ image, box }) => ({ image: image + 1, box: [...box] })),
    nothing: row.nothing === true,
  },
});
