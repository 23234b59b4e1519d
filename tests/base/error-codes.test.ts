/** Errors are for people: what happened, what is safe, what to do; and a defect is called so only where it is one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFECT, isDefect, isErrorCode, safeHint } from '../../src/base/error-codes.ts';
import { describeError, GroundworkError } from '../../src/base/error.ts';
import { failureOf } from '../../src/cli/run-command.ts';
import { problemOf } from '../../src/studio/problem.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('error-codes.ts'))
  .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));

/** The arguments of a call, from behind its opening bracket. */
function argumentsAt(text: string, from: number): string[] {
  const found: string[] = [];
  const open: string[] = [];
  let [start, i] = [from, from];
  const take = () => found.push(text.slice(start, i).trim());
  for (; i < text.length; i++) {
    const c = text[i]!;
    const quote = open.at(-1) ?? '';
    if ('\'"`'.includes(quote) && quote !== '') {
      if (c === '\\') i++;
      else if (c === quote) open.pop();
      else if (quote === '`' && text.startsWith('${', i)) open.push(text[++i]!);
    } else if (c === ')' && open.length === 0) break;
    else if (c === ',' && open.length === 0) {
      take();
      start = i + 1;
    } else if ('([{\'"`'.includes(c)) open.push(c);
    else if (')]}'.includes(c)) open.pop();
  }
  take();
  return found.filter((each) => each !== '');
}

interface Thrown {
  readonly file: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const thrown: Thrown[] = sources.flatMap(({ name, text }) =>
  [...text.matchAll(/new GroundworkError\(|super\((?=\s*'[a-z-]+',)/g)].flatMap((match) => {
    const [code = '', message = '', hint = ''] = argumentsAt(text, match.index + match[0].length);
    return /^'[a-z-]+'$/.test(code) ? [{ file: name, code: code.slice(1, -1), message, hint }] : [];
  }),
);
/** Codes wherever else they are written. */
const named = sources.flatMap(({ text }) => [...text.matchAll(/'([a-z]+(?:-[a-z]+)*)'/g)].map(([, code]) => code!));

test('the walk finds what is thrown', () => {
  expect(thrown.length).toBeGreaterThan(240);
  expect(argumentsAt("'a-b', `x ${f('y', 1)} z`, g(1, [2, 3]), 'last, one')", 0)).toEqual([
    "'a-b'",
    "`x ${f('y', 1)} z`",
    'g(1, [2, 3])',
    "'last, one'",
  ]);
});

test('every code that is thrown is in the table, and every code of the table comes from somewhere', () => {
  expect(thrown.filter(({ code }) => !isErrorCode(code))).toEqual([]);
  const table = [...readFileSync('src/base/error-codes.ts', 'utf8').matchAll(/^ {2}'?([a-z-]+)'?: '[a-z]+',$/gm)];
  expect(table.length).toBeGreaterThan(160);
  const tools = readdirSync('bench', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const beside = tools.map((name) => readFileSync(join('bench', name), 'utf8')).join('\n');
  const unused = table.filter(([, code]) => !named.includes(code!) && !beside.includes(`'${code!}'`));
  expect(unused.map(([, code]) => code)).toEqual([]);
});

test('every error says what happened, and what to do', () => {
  const silent = (words: string) => words === '' || words === "''" || words === '``';
  expect(thrown.filter(({ message, hint }) => silent(message) || silent(hint))).toEqual([]);
});

describe.each(['Load it again.', '', 'Nothing was changed. Try again.'])('with the hint “%s”', (hint) => {
  test('every error says what is safe, in the studio and on the command line', () => {
    const codes = new Set(thrown.map(({ code }) => code).filter(isErrorCode));
    expect(codes.size).toBeGreaterThan(130);
    for (const code of codes) {
      const error = new GroundworkError(code, 'It failed.', hint);
      for (const said of [problemOf(error).hint, failureOf(error).hint])
        expect(said, code).toMatch(/\b(safe|kept|as they were|Nothing was changed)\b/);
    }
  });
});

test('what an error says of safety itself is not said twice', () => {
  const hint = 'The last checkpoint is safe. Resume the run.';
  expect(safeHint('device-lost', 'The device was lost.', hint)).toBe(hint);
  expect(safeHint('model-missing', 'No model.', 'Load one.')).toBe('Load one. Nothing was changed.');
});

test('a defect is called a defect, and nothing else is', () => {
  const says = ({ hint }: Thrown) => hint.includes('DEFECT');
  expect(thrown.filter((each) => isDefect(each.code) !== says(each))).toEqual([]);
  const others = sources.filter(({ text }) => /(?:bug|defect|fault) in Groundwork/.test(text));
  expect(others.map(({ name }) => name)).toEqual([]);
  expect(problemOf(new TypeError('x is not a function'))).toMatchObject({
    code: 'unexpected',
    hint: expect.stringContaining(DEFECT),
  });
  expect(problemOf(new GroundworkError('hub-gated', 'It is gated.', 'Ask.')).hint).not.toContain('defect');
});

test('only a defect carries the places of our code', () => {
  expect(describeError(new RangeError('of rows “a.jsonl”'))).toMatchObject({
    code: 'internal',
    trace: expect.stringMatching(/^ +at .*error-codes\.test\.ts:\d+:\d+\)?(\n|$)/),
  });
  expect(describeError(new RangeError('of rows “a.jsonl”')).trace).not.toContain('a.jsonl');
  expect(describeError(new GroundworkError('model-missing', 'No model.', 'Load one.'))).not.toHaveProperty('trace');
});
