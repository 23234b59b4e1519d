/** A place to drop or pick a folder, a zip or a file. The buttons are the keyboard's way in. */
import { useRef, useState, type DragEvent, type ReactNode, type RefObject } from 'react';
import { intakeFromDrop, intakeFromHandles, intakeFromPicker, type Intake } from './rooms/data/intake-files.ts';
import { problemOf } from './problem.ts';
import { useProject } from './state/studio.ts';
import { Icon } from './ui/icon.tsx';

interface DropTargetProps {
  readonly label: string;
  readonly onIntake: (intake: Intake) => void;
  /** Which ways to pick are offered. */
  readonly pick: readonly ('folder' | 'file')[];
  readonly accept?: string;
  /** The word on the buttons. */
  readonly verb?: string;
  readonly className?: string;
  /** Files and folders are asked for in a way that lets a later visit read them again, where the browser has one. */
  readonly inPlace?: boolean;
  readonly children?: ReactNode;
}

interface PickerWindow {
  showDirectoryPicker?(): Promise<FileSystemDirectoryHandle>;
  showOpenFilePicker?(options: { multiple: true }): Promise<FileSystemFileHandle[]>;
}

export function DropTarget({
  label,
  onIntake,
  pick,
  accept,
  verb = 'Choose a',
  className = 'drop',
  inPlace = false,
  children,
}: DropTargetProps) {
  const [over, setOver] = useState(0);
  const report = useProject((project) => project.report);
  const settled = useProject((project) => project.settled);
  const folder = useRef<HTMLInputElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const take = async (pending: Promise<Intake | null> | Intake | null) => {
    try {
      const intake = await pending;
      if (intake && intake.files.length + intake.handles.length > 0) {
        settled('dropping');
        onIntake(intake);
      } else
        report({
          about: 'dropping',
          code: 'nothing-dropped',
          what: 'What you dropped contains no file.',
          hint: 'Drop a folder, a zip, or a file with rows. Nothing was changed.',
        });
    } catch (error) {
      report({
        ...problemOf(error),
        about: 'dropping',
        code: 'drop-unreadable',
        hint: 'The browser could not read it. Check that it is still there and that you may read it. Nothing was changed.',
      });
    }
  };
  const drag = (by: number) => (event: DragEvent) => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    setOver((depth) => Math.max(0, depth + by));
  };
  return (
    <div
      className={className}
      role="group"
      aria-label={label}
      data-over={over > 0 || undefined}
      onDragEnter={drag(1)}
      onDragLeave={drag(-1)}
      onDragOver={drag(0)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(0);
        void take(intakeFromDrop(event.dataTransfer));
      }}
    >
      {children}
      <div className="drop-buttons">
        {pick.includes('folder') && (
          <button type="button" className="button" onClick={() => pickFolder()}>
            <Icon name="folder" /> {verb} folder
          </button>
        )}
        {pick.includes('file') && (
          <button type="button" className="button" onClick={() => pickFiles()}>
            <Icon name="file" /> {verb} file
          </button>
        )}
      </div>
      <input
        ref={folder}
        type="file"
        hidden
        multiple
        data-pick="folder"
        {...{ webkitdirectory: '' }}
        onChange={(event) => pickFrom(event.currentTarget)}
      />
      <input
        ref={file}
        type="file"
        hidden
        multiple
        data-pick="file"
        accept={accept}
        onChange={(event) => pickFrom(event.currentTarget)}
      />
    </div>
  );

  function pickFolder(): void {
    const { showDirectoryPicker } = window as PickerWindow;
    if (!inPlace || !showDirectoryPicker) return folder.current?.click();
    pickHandles(
      showDirectoryPicker.call(window).then((handle) => [handle]),
      folder,
    );
  }

  function pickFiles(): void {
    const { showOpenFilePicker } = window as PickerWindow;
    if (!inPlace || !showOpenFilePicker) return file.current?.click();
    pickHandles(showOpenFilePicker.call(window, { multiple: true }), file);
  }

  function pickHandles(
    picked: Promise<(FileSystemFileHandle | FileSystemDirectoryHandle)[]>,
    plain: RefObject<HTMLInputElement | null>,
  ): void {
    picked.then(
      (handles) => void take(intakeFromHandles(handles)),
      (error: unknown) => {
        // Closed without a choice; where the browser forbids asking, the plain way is left.
        if (!(error instanceof DOMException && error.name === 'AbortError')) plain.current?.click();
      },
    );
  }

  function pickFrom(input: HTMLInputElement): void {
    if (input.files && input.files.length > 0) void take(intakeFromPicker(input.files));
    input.value = '';
  }
}
