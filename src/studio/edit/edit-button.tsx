/** Opens a row for editing, wherever it is shown. */
import type { KeyboardEvent } from 'react';
import { useEditing } from '../state/studio.ts';

export function EditButton({ rowId }: { readonly rowId: string }) {
  const open = useEditing((editing) => editing.open);
  return (
    <button
      type="button"
      className="button small"
      aria-haspopup="dialog"
      aria-keyshortcuts="e"
      onClick={() => open(rowId)}
    >
      Edit <kbd>E</kbd>
    </button>
  );
}

/** E opens the row in view, except where a letter is text. */
export const editKey = (open: () => void) => (event: KeyboardEvent) => {
  const target = event.target as HTMLElement;
  if (event.key !== 'e' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest('input, select, textarea, dialog')) return;
  event.preventDefault();
  open();
};
