/** Keys that work wherever the focus is, from the moment that what they act on is seen. */
import { useLayoutEffect } from 'react';

/**
 * Listens on the window. Effects that wait for the paint come too late for a key that is pressed as soon as something
 * appears: it would be lost without a word.
 */
export function useKeyDown(pressed: (event: KeyboardEvent) => void): void {
  useLayoutEffect(() => {
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
}
