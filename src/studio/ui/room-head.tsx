/** A room's name, one line on what it is for, and its main actions. */
import type { ReactNode } from 'react';

export function RoomHead({
  title,
  lede,
  children,
}: {
  readonly title: string;
  readonly lede: string;
  readonly children?: ReactNode;
}) {
  return (
    <header className="room-head">
      <div>
        <h1>{title}</h1>
        <p>{lede}</p>
      </div>
      {children && <div className="room-actions">{children}</div>}
    </header>
  );
}
