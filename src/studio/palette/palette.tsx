/** The command palette: some letters of what is wanted, and Enter. */
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useStudio } from '../state/studio.ts';
import { commandsOf, findCommands } from './commands.ts';
import './palette.css';

const optionId = (i: number): string => `command-${i}`;

interface PaletteProps {
  readonly onClose: () => void;
  /** Shows the sheet of keys instead. */
  readonly onKeys: () => void;
}

export function Palette({ onClose, onKeys }: PaletteProps) {
  const studio = useStudio();
  const [, go] = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    return () => element.close();
  }, []);
  const commands = useMemo(() => commandsOf(studio, go, onKeys), [studio, go, onKeys]);
  const found = findCommands(commands, wanted);
  const chosen = Math.min(at, found.length - 1);
  const move = (to: number) => {
    const next = Math.max(0, Math.min(found.length - 1, to));
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const choose = (i: number) => {
    const command = found[i];
    if (!command) return;
    onClose();
    command.run();
  };
  return (
    <dialog ref={dialog} className="dialog palette" aria-label="Commands" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={found.length > 0 ? optionId(chosen) : undefined}
        aria-autocomplete="list"
        placeholder="Go to a room, or do something"
        autoComplete="off"
        spellCheck={false}
        value={wanted}
        onChange={(event) => {
          setWanted(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') move(chosen + 1);
          else if (event.key === 'ArrowUp') move(chosen - 1);
          else if (event.key === 'Home') move(0);
          else if (event.key === 'End') move(found.length - 1);
          else if (event.key === 'Enter') choose(chosen);
          else return;
          event.preventDefault();
        }}
      />
      <div ref={list} id="commands" role="listbox" aria-label="Commands">
        {found.map(({ title }, i) => (
          <div
            key={title}
            id={optionId(i)}
            role="option"
            aria-selected={i === chosen}
            onClick={() => choose(i)}
            onPointerMove={() => setAt(i)}
          >
            {title}
          </div>
        ))}
      </div>
      <p role="status" className="muted">
        {found.length === 0 ? 'No command has these words. Try the name of a room.' : ''}
      </p>
    </dialog>
  );
}
