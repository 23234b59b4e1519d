/** Where the files of the next dataset stay, and how much room the browser has for a copy. */
import { useEffect, useState } from 'react';
import type { Keeping } from '../../state/dataset-actions.ts';
import { useProject } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { bytes } from '../../ui/format.ts';

export function KeepingChoice() {
  const keeping = useProject((project) => project.keeping);
  const keep = useProject((project) => project.keep);
  const [room, setRoom] = useState<{ used: number; free: number } | null>(null);
  useEffect(() => {
    let live = true;
    void navigator.storage?.estimate?.().then(({ usage = 0, quota = 0 }) => {
      if (live) setRoom({ used: usage, free: Math.max(0, quota - usage) });
    });
    return () => void (live = false);
  }, [keeping]);
  return (
    <div className="keeping">
      <Choice<Keeping>
        label="Where the files stay"
        choices={[
          { key: 'in-place', title: 'Read files where they are' },
          { key: 'copy', title: 'Copy them into this browser' },
        ]}
        selected={keeping}
        onSelect={keep}
      />
      <p className="muted">
        {keeping === 'in-place'
          ? 'Nothing is copied. After a reload the browser may ask for permission again.'
          : 'You can then open the dataset again without its files.'}{' '}
        {room && room.free > 0 && keeping === 'copy' && (
          <span className="num">
            {bytes(room.used)} used, {bytes(room.free)} free.
          </span>
        )}
      </p>
    </div>
  );
}
