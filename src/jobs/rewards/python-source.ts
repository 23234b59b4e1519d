/** Values and regular expressions of JavaScript as source text of Python. */

/** A literal of plain data. */
export function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number')
    return Number.isFinite(value) ? String(value) : `float("${value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan'}")`;
  if (typeof value === 'string') return pythonString(value);
  if (value instanceof RegExp) return pythonPattern(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, each]) => `${pythonString(key)}: ${pythonLiteral(each)}`)
    .join(', ')}}`;
}

/** JSON's escapes are Python's, but for those of characters beyond the first plane. */
const pythonString = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const SPACES = '\\t\\n\\x0b\\x0c\\r \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff';
const WORD = 'A-Za-z0-9_';
const BORDER = `(?:(?<![${WORD}])(?=[${WORD}])|(?<=[${WORD}])(?![${WORD}]))`;

/**
 * `re.compile(…)` that finds what the expression finds: classes, borders and the end of the text mean in Python what
 * they mean in JavaScript. What has no counterpart here is refused when the module is written.
 */
export function pythonPattern({ source, ignoreCase, unicode, multiline, dotAll }: RegExp): string {
  if (multiline || dotAll) throw new Error(`flags of /${source}/ have no counterpart`);
  let text = '';
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (c === '\\') {
      const next = source[++i]!;
      if (next === 'd') text += inClass ? '0-9' : '[0-9]';
      else if (next === 'w') text += inClass ? WORD : `[${WORD}]`;
      else if (next === 's') text += inClass ? SPACES : `[${SPACES}]`;
      else if (next === 'b' && !inClass) text += BORDER;
      else if (next === 'p' && !inClass && source.slice(i + 1, i + 4) === '{L}') {
        text += '[^\\W\\d_]';
        i += 3;
      } else if (/[A-Za-z]/.test(next) && !'nrtfvxu'.includes(next)) throw new Error(`\\${next} of /${source}/`);
      else text += `\\${next}`;
    } else if (inClass) {
      if (c === ']') inClass = false;
      text += c === '[' ? '\\[' : c;
    } else if (c === '[') {
      inClass = true;
      text += c;
    } else if (c === '$') text += '\\Z';
    else if (c === '.') text += '[^\\n\\r\\u2028\\u2029]';
    else text += c;
  }
  const flags = ignoreCase ? `, re.IGNORECASE${unicode ? '' : ' | re.ASCII'}` : '';
  return `re.compile(${pythonString(text)}${flags})`;
}
