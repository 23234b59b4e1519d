/** A row open for editing, in a dialog over any room: its pictures with their boxes, its words, whether it is used. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Change, Row } from '../../engine/protocol/index.ts';
import { markedText } from '../../engine/protocol/edits.ts';
import type { BoxNatural, GroundedBox, Size } from '../../grounding/box.ts';
import { fromNatural } from '../../grounding/convert.ts';
import { isActive } from '../state/run.ts';
import { useEditing, useProject, useRun, useStudio } from '../state/studio.ts';
import { useRow } from '../state/use-rows.ts';
import { plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { useKeyDown } from '../ui/key-down.ts';
import { ProblemNote } from '../ui/problem-note.tsx';
import { toFractions } from './box-geometry.ts';
import { BoxList } from './box-list.tsx';
import { History } from './history.tsx';
import { Stage, type Draft } from './stage.tsx';
import './edit.css';

/** A pause after which a box moved by keys is sent, milliseconds. */
const SEND_AFTER = 700;

export function RowEditor({ rowId }: { readonly rowId: string }) {
  const dataset = useProject((project) => project.dataset);
  const row = useRow(dataset?.id ?? null, rowId);
  const close = useEditing((editing) => editing.close);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog editor" aria-labelledby="editor-title" onClose={close}>
      {dataset && row ? (
        <OpenRow key={rowId} dataset={dataset.id} row={row} onClose={() => dialog.current?.close()} />
      ) : (
        <p className="room-wait" id="editor-title">
          Reading the row…
        </p>
      )}
    </dialog>
  );
}

function useImage(dataset: string, path: string) {
  const { client } = useStudio();
  const [shown, setShown] = useState<{ path: string; url: string } | { path: string; missing: string } | null>(null);
  useEffect(() => {
    let url: string | null = null;
    let live = true;
    client.request({ type: 'image', dataset, path }).then(
      (blob) => {
        if (!live) return;
        url = URL.createObjectURL(blob);
        setShown({ path, url });
      },
      (error: Error) => live && setShown({ path, missing: error.message }),
    );
    return () => {
      live = false;
      if (url) URL.revokeObjectURL(url);
    };
  }, [client, dataset, path]);
  return shown?.path === path ? shown : null;
}

interface OpenRowProps {
  readonly dataset: string;
  readonly row: Row;
  readonly onClose: () => void;
}

function OpenRow({ dataset, row, onClose }: OpenRowProps) {
  const change = useEditing((editing) => editing.change);
  const problem = useEditing((editing) => editing.problem);
  const dismiss = useEditing((editing) => editing.dismiss);
  const [image, setImage] = useState(row.solution[0]?.image ?? 0);
  const [chosen, setChosen] = useState<number | null>(row.solution.length > 0 ? 0 : null);
  const [sized, setSized] = useState<{ image: number; size: Size } | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const shown = useImage(dataset, row.images[image]!);
  const size = sized?.image === image ? sized.size : null;
  const send = useCallback((next: Change) => change(row.id, next), [change, row.id]);
  const boxes = row.solution;

  const choose = (index: number | null) => {
    setChosen(index);
    if (index !== null && boxes[index] && boxes[index].image !== image) setImage(boxes[index].image);
  };
  const commit = () => {
    if (!draft || !size) return;
    const before = boxes[draft.index];
    if (!before) return setDraft(null);
    const box = { ...before, box: toFractions(draft.box, before.box, size) };
    if (box.box.every((v, i) => v === before.box[i])) return setDraft(null);
    void send({ kind: 'set-box', index: draft.index, box }).then(() => setDraft((now) => (now === draft ? null : now)));
  };
  // A box moved by keys is sent when they rest.
  const latest = useRef(commit);
  useEffect(() => void (latest.current = commit));
  useEffect(() => {
    if (!draft) return;
    const timer = setTimeout(() => latest.current(), SEND_AFTER);
    return () => clearTimeout(timer);
  }, [draft]);

  const add = (box: BoxNatural) => {
    if (!size) return;
    void send({ kind: 'add-box', box: { image, box: fromNatural(box, size) } }).then(
      (done) => done && setChosen(boxes.length),
    );
  };
  const remove = (index: number) => {
    setDraft(null);
    setChosen(null);
    void send({ kind: 'delete-box', index });
  };
  const set = (index: number, box: GroundedBox) => {
    if (box.image !== image) setImage(box.image);
    void send({ kind: 'set-box', index, box });
  };

  return (
    <>
      <EditorHead row={row} onClose={onClose} dropDraft={() => draft !== null && (setDraft(null), true)} />
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {row.edits?.excluded !== undefined && (
        <p className="note note-warning">
          <Icon name="alert" /> This row is left out: {row.edits.excluded}
        </p>
      )}
      <div className="editor-body">
        <div className="editor-pictures">
          {row.images.length > 1 && (
            <div className="button-row" role="group" aria-label="Pictures of the row">
              {row.images.map((path, i) => (
                <button
                  key={`${i}/${path}`}
                  type="button"
                  className="button small"
                  aria-pressed={i === image}
                  onClick={() => setImage(i)}
                >
                  Image {i + 1}
                  {boxes.some((box) => box.image === i) && (
                    <span className="num muted"> {boxes.filter((box) => box.image === i).length}</span>
                  )}
                </button>
              ))}
            </div>
          )}
          <Stage
            url={shown && 'url' in shown ? shown.url : null}
            missing={shown && 'missing' in shown ? shown.missing : null}
            image={image}
            size={size}
            onSize={(found) => setSized({ image, size: found })}
            boxes={boxes}
            chosen={chosen}
            onChoose={choose}
            draft={draft}
            onDraft={setDraft}
            onCommit={commit}
            onAdd={add}
            onDelete={remove}
            onPicture={(by) => setImage(Math.min(Math.max(image + by, 0), row.images.length - 1))}
          />
        </div>
        <div className="editor-words">
          <BoxList
            boxes={boxes}
            pictures={row.images.length}
            image={image}
            size={size}
            chosen={chosen}
            draft={draft}
            onChoose={choose}
            onSet={(index, box) => {
              const before = boxes[index]!;
              set(index, { ...before, box: toFractions(box, before.box, size!) });
            }}
            onBox={set}
            onDelete={remove}
          />
          {row.nothing && (
            <p className="note">
              <Icon name="info" /> This row teaches that there is nothing to find.
            </p>
          )}
          <Words row={row} onChange={send} />
          <Use row={row} onChange={send} />
          <History rowId={row.id} />
        </div>
      </div>
    </>
  );
}

function EditorHead({
  row,
  onClose,
  dropDraft,
}: {
  readonly row: Row;
  readonly onClose: () => void;
  /** Forgets a box that was moved and not sent yet; false: there is none. */
  readonly dropDraft: () => boolean;
}) {
  const edits = useProject((project) => project.dataset?.edits ?? null);
  const step = useEditing((editing) => editing.step);
  const open = useEditing((editing) => editing.open);
  const pending = useEditing((editing) => editing.pending);
  const active = useRun((run) => isActive(run.state));
  const go = (kind: 'undo' | 'redo') => {
    if (dropDraft() && kind === 'undo') return;
    void step(kind).then((touched) => touched !== null && touched !== row.id && open(touched));
  };
  useKeyDown((event) => {
    const target = event.target as HTMLElement;
    if (!(event.ctrlKey || event.metaKey) || target.closest('input, textarea')) return;
    const key = event.key.toLowerCase();
    const kind = key === 'y' || (key === 'z' && event.shiftKey) ? 'redo' : key === 'z' ? 'undo' : null;
    if (!kind) return;
    event.preventDefault();
    go(kind);
  });
  const title = (kind: 'undo' | 'redo') => {
    const next = edits?.[kind];
    return next ? `${next.words}${next.row === row.id ? '' : ` (row ${next.row})`}` : undefined;
  };
  return (
    <header>
      <div>
        <h2 id="editor-title">Edit row {row.id}</h2>
        <p className="muted num" role="status">
          {pending > 0 ? 'Saving…' : row.edits ? `${plural(row.edits.changes, 'change')}, saved` : 'As its file has it'}
          . The file is not touched.{active && ' The run under way keeps the rows with which it began.'}
        </p>
      </div>
      <div className="button-row">
        <button
          type="button"
          className="button small"
          title={title('undo')}
          aria-keyshortcuts="Control+z"
          disabled={!edits?.undo}
          onClick={() => go('undo')}
        >
          Undo
        </button>
        <button
          type="button"
          className="button small"
          title={title('redo')}
          aria-keyshortcuts="Control+Shift+z"
          disabled={!edits?.redo}
          onClick={() => go('redo')}
        >
          Redo
        </button>
        <button type="button" className="button icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
    </header>
  );
}

function Words({ row, onChange }: { readonly row: Row; readonly onChange: (change: Change) => Promise<boolean> }) {
  const question = row.prompt.findLast(({ role }) => role === 'user');
  return (
    <>
      {question && (
        <TextField
          label="Question"
          hint="<image> and <bbox> stand for the row’s pictures and boxes. They stay, in their order."
          value={markedText(question.content)}
          onCommit={(text) => onChange({ kind: 'question', text })}
        />
      )}
      <TextField
        label="Thought"
        value={row.think ?? ''}
        onCommit={(text) => onChange({ kind: 'thought', text: text.trim() === '' ? null : text })}
      />
      <TextField
        label="Answer"
        hint={
          row.solution.length > 0 && !row.words
            ? 'Of this answer only the boxes are learned; the Data room can keep the words.'
            : undefined
        }
        value={markedText(row.answer)}
        onCommit={(text) => onChange({ kind: 'answer', text })}
      />
    </>
  );
}

function TextField({
  label,
  value,
  hint,
  onCommit,
}: {
  readonly label: string;
  readonly value: string;
  readonly hint?: string | undefined;
  readonly onCommit: (text: string) => Promise<boolean>;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.blur();
    // Escape gives the text back before it closes the dialog.
    if (event.key === 'Escape' && text !== value) {
      setText(value);
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <label className="editor-text">
      <span className="minor">{label}</span>
      <textarea
        rows={Math.min(6, Math.max(2, Math.ceil(text.length / 60)))}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => void (text !== value && onCommit(text))}
      />
      {hint && <span className="muted">{hint}</span>}
    </label>
  );
}

/** Whether the row is used, and why not. */
function Use({ row, onChange }: { readonly row: Row; readonly onChange: (change: Change) => Promise<boolean> }) {
  const [reason, setReason] = useState('');
  if (row.edits?.excluded !== undefined)
    return (
      <button type="button" className="button small" onClick={() => void onChange({ kind: 'include' })}>
        Include the row again
      </button>
    );
  return (
    <form
      className="editor-use"
      onSubmit={(event) => {
        event.preventDefault();
        void onChange({ kind: 'exclude', reason }).then((done) => done && setReason(''));
      }}
    >
      <input
        type="text"
        aria-label="Why the row is left out"
        placeholder="Reason to leave the row out"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="submit" className="button small" disabled={reason.trim() === ''}>
        Leave out
      </button>
    </form>
  );
}
