/** What was done to a row, the last first. */
import { useEditing } from '../state/studio.ts';

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

export function History({ rowId }: { readonly rowId: string }) {
  const history = useEditing((editing) => editing.history);
  const read = useEditing((editing) => editing.readHistory);
  const own = history?.filter(({ row }) => row === rowId).toReversed() ?? [];
  return (
    <details onToggle={(event) => event.currentTarget.open && void read()}>
      <summary>History of this row</summary>
      {history === null ? null : own.length === 0 ? (
        <p className="muted">Nothing was edited.</p>
      ) : (
        <ol className="editor-history" reversed>
          {own.map(({ at, words }, i) => (
            <li key={i}>
              <time className="num muted">{clock.format(at)}</time> {words}
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}
