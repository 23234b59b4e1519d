/** Light, dark, or as the system says; remembered. */
import { useSyncExternalStore } from 'react';

export type ThemeChoice = 'auto' | 'light' | 'dark';
const KEY = 'groundwork.theme';
const listeners = new Set<() => void>();
const dark = () => matchMedia('(prefers-color-scheme: dark)');

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}

let choice: ThemeChoice = 'auto';

export function applyTheme(next: ThemeChoice = stored()): void {
  choice = next;
  document.documentElement.dataset.theme = choice === 'auto' ? (dark().matches ? 'dark' : 'light') : choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const query = dark();
  const follow = () => choice === 'auto' && applyTheme('auto');
  query.addEventListener('change', follow);
  return () => {
    listeners.delete(listener);
    query.removeEventListener('change', follow);
  };
}

export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, () => choice);
/** The theme in force, for what is drawn on canvases. */
export const useTheme = (): string =>
  useSyncExternalStore(subscribe, () => document.documentElement.dataset.theme ?? 'light');
