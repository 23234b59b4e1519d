/** Reading the letter of a multiple-choice answer strictly. */

/**
 * The letter meant by `text`, of the first `choices` letters, or null. In this order: the text inside
 * <answer>…</answer> where there is one; a bare letter ("B", "(B)", "B.", "B) cat"); the only letter in brackets; the
 * only letter after the word "answer". A sentence that merely begins with A ("An apple") is not an answer.
 */
export function readChoice(text: string, choices: number): string | null {
  const start = text.lastIndexOf('<answer>');
  const body = (start < 0 ? text : text.slice(start + '<answer>'.length).split('</answer>')[0]!).trim();
  const letters = String.fromCharCode(...Array.from({ length: Math.min(26, choices) }, (_, i) => 65 + i));
  const bracketed = new Set(
    [...body.matchAll(new RegExp(`\\(([${letters}])\\)`, 'gi'))].map((m) => m[1]!.toUpperCase()),
  );
  if (bracketed.size > 1) return null; // "(A) or (B)": undecided
  const bare = new RegExp(`^\\(?([${letters}])(?:$|[).:,])`, 'i').exec(body);
  if (bare) return bare[1]!.toUpperCase();
  const after = body.matchAll(new RegExp(`\\banswer(?:\\s+is)?\\s*(?::\\s*)?([${letters}])\\b`, 'gi'));
  const meant = bracketed.size === 1 ? bracketed : new Set([...after].map((m) => m[1]!.toUpperCase()));
  return meant.size === 1 ? [...meant][0]! : null;
}
