/**
 * The first key that some object of a JSON text has twice, or null. JSON.parse keeps the last one silently, which in
 * a weights file would hide a tensor. The text must have parsed already. One pass.
 */
export function duplicateKey(json: string): string | null {
  const open: (Set<string> | null)[] = []; // null: an array
  let lastString = '';
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') {
      const start = i++;
      while (json[i] !== '"' && i < json.length) i += json[i] === '\\' ? 2 : 1;
      lastString = json.slice(start, i + 1);
    } else if (c === '{') open.push(new Set());
    else if (c === '[') open.push(null);
    else if (c === '}' || c === ']') open.pop();
    else if (c === ':') {
      const keys = open.at(-1);
      const key = JSON.parse(lastString) as string; // escapes resolved: "a" and "\u0061" are one key
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}
