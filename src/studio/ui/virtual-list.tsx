/** A listbox of any length: only what is in sight is in the page; arrows, Page Up/Down, Home and End move. */
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

interface VirtualListProps {
  readonly label: string;
  readonly count: number;
  readonly rowHeight: number;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  readonly render: (index: number) => ReactNode;
  /** Told which rows are in sight, to load them. */
  readonly onRange?: (from: number, to: number) => void;
}

const OVERSCAN = 6;

export function VirtualList({ label, count, rowHeight, selected, onSelect, render, onRange }: VirtualListProps) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const from = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  useEffect(() => onRange?.(from, to), [from, to, onRange]);
  useEffect(() => {
    const element = scroller.current;
    if (!element || selected < 0) return;
    const top = selected * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
  }, [selected, rowHeight]);
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count }[event.key];
    if (move === undefined || count === 0) return;
    event.preventDefault();
    onSelect(Math.min(count - 1, Math.max(0, selected + move)));
  };
  const rows = [];
  for (let i = from; i < to; i++) {
    rows.push(
      <div
        key={i}
        id={`${id}-${i}`}
        role="option"
        aria-selected={i === selected}
        aria-posinset={i + 1}
        aria-setsize={count}
        className="vlist-row"
        style={{ height: rowHeight, transform: `translateY(${i * rowHeight}px)` }}
        onClick={() => onSelect(i)}
      >
        {render(i)}
      </div>,
    );
  }
  const active = selected >= from && selected < to ? `${id}-${selected}` : undefined;
  return (
    <div
      className="vlist"
      role="listbox"
      aria-label={label}
      aria-activedescendant={active}
      tabIndex={0}
      ref={scroller}
      onKeyDown={onKeyDown}
    >
      <div className="vlist-space" role="presentation" style={{ height: count * rowHeight }}>
        {rows}
      </div>
    </div>
  );
}
