/** A button that asks for one file, the same one again if need be. */
import { useRef } from 'react';
import { Icon } from './icon.tsx';

export interface FileButtonProps {
  readonly label: string;
  /** Endings and types, as an input's `accept`. */
  readonly accept: string;
  /** What is picked, for whoever drives the page. */
  readonly pick: string;
  readonly onFile: (file: File) => void;
}

export function FileButton({ label, accept, pick, onFile }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="button" onClick={() => input.current?.click()}>
        <Icon name="file" /> {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        data-pick={pick}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) onFile(file);
          event.target.value = '';
        }}
      />
    </>
  );
}
