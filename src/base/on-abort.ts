/** Many who want to know of one signal's end, by one listener: signals warn of more than a few. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `stop` when the signal aborts, unless the way to stop listening was gone before. */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  let own = waiting.get(signal);
  if (!own) {
    const all = (own = new Set());
    waiting.set(signal, all);
    signal.addEventListener('abort', () => [...all].forEach((each) => all.delete(each) && each()), { once: true });
  }
  // Every call is one of its own.
  const each = () => stop();
  own.add(each);
  return () => void own.delete(each);
}
