/**
 * Python regular expressions as PEFT configurations use them, translated to JavaScript. Only syntax whose meaning is
 * the same in both languages is translated; the rest is refused with its position, because a pattern that silently
 * means something else adapts the wrong layers. Back-references (they differ on unset groups) are among the refused.
 *
 * Source: the grammar of CPython's `re` module documentation (3.12).
 */
import { BoundedRegex } from '../base/bounded-regex.ts';
import { GroundworkError } from '../base/error.ts';

/** Python's `re.fullmatch(pattern, name)`. Throws `regex-unsupported`. */
export function pythonFullMatch(pattern: string): BoundedRegex {
  const { source, flags } = translate(pattern);
  return compile(`^(?:${source})$`, flags, pattern);
}

/** Python's `re.match(before + pattern + after, name)` where `before` and `after` are JavaScript already. */
export function pythonMatchInside(before: string, pattern: string, after: string): BoundedRegex {
  const { source, flags } = translate(pattern);
  if (flags) refuse(pattern, 0, 'flags (?…) inside a longer pattern'); // Python: "global flags not at the start"
  return compile(`^(?:${before}${source}${after})`, '', pattern);
}

function compile(source: string, flags: string, original: string): BoundedRegex {
  try {
    return new BoundedRegex(source, flags);
  } catch (cause) {
    if (cause instanceof GroundworkError) throw cause;
    throw new GroundworkError(
      'regex-unsupported',
      `"${original}" is not a valid regular expression.`,
      'Correct the pattern of the target modules.',
      { cause },
    );
  }
}

function refuse(pattern: string, at: number, what: string): never {
  throw new GroundworkError(
    'regex-unsupported',
    `"${pattern}": ${what} at position ${at} cannot be translated from Python.`,
    'Write the pattern without it, or list the modules by name.',
  );
}

const SAME_ESCAPES = 'dDwWsSbBnrtfv';

function translate(pattern: string): { source: string; flags: string } {
  let source = '';
  let flags = '';
  let at = 0;

  const globalFlags = /^\(\?([aiLmsux]+)\)/.exec(pattern);
  if (globalFlags) {
    for (const flag of globalFlags[1]!) {
      if (flag === 'i') flags = 'i';
      else if (!'amsu'.includes(flag)) refuse(pattern, 0, `the flag ${flag}`); // names are one line of ASCII: a, m, s, u change nothing
    }
    at = globalFlags[0].length;
  }

  while (at < pattern.length) {
    const rest = pattern.slice(at);
    const c = pattern[at]!;
    let taken: RegExpExecArray | null;
    if (c === '\\') {
      const next = pattern[at + 1];
      if (next === 'A') source += '^';
      else if (next === 'Z') source += '$';
      else if (next === undefined || (/[0-9A-Za-z]/.test(next) && !SAME_ESCAPES.includes(next)))
        refuse(pattern, at, `the escape \\${next ?? ''}`);
      else source += `\\${next}`;
      at += 2;
    } else if (c === '[') {
      const set = characterSet(pattern, at);
      source += set.source;
      at = set.end;
    } else if (rest.startsWith('(?')) {
      if ((taken = /^\(\?P<([A-Za-z_]\w*)>/.exec(rest))) source += `(?<${taken[1]}>`;
      else if ((taken = /^\(\?(?::|=|!|<=|<!)/.exec(rest))) source += taken[0];
      else if (!(taken = /^\(\?#[^)]*\)/.exec(rest))) taken = refuse(pattern, at, `the group ${rest.slice(0, 4)}…`);
      at += taken[0].length;
    } else if ((taken = /^\{(\d*)(,?)(\d*)\}/.exec(rest)) && taken[0] !== '{}') {
      // Python reads {,3} as {0,3}; JavaScript would read it as text.
      source += taken[2] && !taken[1] ? `{0,${taken[3]}}` : taken[0];
      at += taken[0].length;
      if (pattern[at] === '+') refuse(pattern, at, 'a possessive quantifier');
    } else if (c === '*' || c === '+' || c === '?') {
      if (pattern[at + 1] === '+') refuse(pattern, at, 'a possessive quantifier');
      source += c;
      at++;
    } else {
      source += c === '{' || c === '}' || c === ']' ? `\\${c}` : c;
      at++;
    }
  }
  return { source, flags };
}

/** One […] from `start`: Python takes a leading ] as text and has no nesting; JavaScript must be told. */
function characterSet(pattern: string, start: number): { source: string; end: number } {
  let at = start + 1;
  let source = '[';
  if (pattern[at] === '^') {
    source += '^';
    at++;
  }
  for (let first = true; at < pattern.length; first = false) {
    const c = pattern[at]!;
    if (c === ']' && !first) return { source: `${source}]`, end: at + 1 };
    if (c === '\\') {
      const next = pattern[at + 1] ?? '';
      if (next === '' || (/[0-9A-Za-z]/.test(next) && !SAME_ESCAPES.replace('B', '').includes(next)))
        refuse(pattern, at, `the escape \\${next} in a set`);
      source += `\\${next}`;
      at += 2;
    } else {
      source += c === ']' || c === '[' ? `\\${c}` : c;
      at++;
    }
  }
  return refuse(pattern, start, 'a set without its end');
}
