/**
 * The interpreter of chat templates with a limit: a template is a program from outside, and `range(200000000)` or two
 * loops inside each other would hold the engine for good. Steps, lengths and whole numbers are bounded, far beyond what
 * a conversation needs.
 */
import { count } from '../base/counts.ts';
import { Environment, Interpreter, Template } from '@huggingface/jinja';

/** Nodes of the template that are evaluated: some fifty a message. */
const MOST_STEPS = 2_000_000;
/** Steps that a round of a loop counts for, which makes a scope of its own. */
const ROUND = 40;
const MOST_CHARACTERS = 2 ** 23;
const MOST_ELEMENTS = 2 ** 17;
/** Of a whole number: widths and counts. */
const LARGEST = 2 ** 31;
const LONGEST_RANGE = 100_000;

type Evaluate = Interpreter['evaluate'];

/** Stands first in the body of every loop. */
const MARK = { type: 'StringLiteral', value: '' } as never;

class BoundedInterpreter extends Interpreter {
  #left = MOST_STEPS;

  override evaluate(...[statement, environment]: Parameters<Evaluate>): ReturnType<Evaluate> {
    this.#left -= statement === MARK ? ROUND : 1;
    if (this.#left < 0) throw new Error('it takes too many steps');
    const result = super.evaluate(statement, environment);
    const { value } = result as { readonly value: unknown };
    if (typeof value === 'string' && value.length > MOST_CHARACTERS)
      throw new Error('it makes a text that is too long');
    if (Array.isArray(value) && value.length > MOST_ELEMENTS) throw new Error('it makes a list that is too long');
    if (typeof value === 'number' && Math.abs(value) > LARGEST) throw new Error('it makes a number that is too large');
    return result;
  }
}

/** A template whose loops can be counted. Throws what the parser throws. */
export function parseTemplate(text: string): Template {
  const template = new Template(text);
  markLoops(template.parsed);
  return template;
}

/** Puts an empty text into the body of every loop: what is evaluated in each round is a step of it. */
function markLoops(node: unknown): void {
  if (Array.isArray(node)) return node.forEach(markLoops);
  if (typeof node !== 'object' || node === null) return;
  for (const inner of Object.values(node)) markLoops(inner);
  const { type, body } = node as { readonly type?: unknown; readonly body?: unknown };
  if (type === 'For' && Array.isArray(body)) body.unshift(MARK);
}

/** `Template.render` within limits. Throws `Error` beyond them, and what the template throws. */
export function renderBounded(template: Template, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) environment.set(name, value);
  return (new BoundedInterpreter(environment).run(template.parsed) as { readonly value: string }).value;
}

const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range: (start: number, stop?: number, step = 1) => range(stop === undefined ? 0 : start, stop ?? start, step),
  strftime_now: (format: string) => strftime(new Date(), format),
};

function range(start: number, stop: number, step: number): number[] {
  if (step === 0) throw new Error('range() step must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error(`range() gives ${count(length)} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** The parts of Python's `strftime` that templates use, in the C locale's words. */
function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const month = (style: 'short' | 'long') => new Intl.DateTimeFormat('en', { month: style }).format(date);
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    b: () => month('short'),
    B: () => month('long'),
    H: () => two(date.getHours()),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%([YmdbBHMS%])/g, (_, part: string) => parts[part]!());
}
