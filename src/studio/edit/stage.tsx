/** One picture at any zoom, with its boxes to hold, draw and move: by mouse, and by keys alone. */
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { toNatural } from '../../grounding/convert.ts';
import type { BoxNatural, GroundedBox, Size } from '../../grounding/box.ts';
import { ROLES } from '../boxes/roles.ts';
import { Icon } from '../ui/icon.tsx';
import {
  centred,
  dragged,
  drawn,
  fitted,
  GRIPS,
  inSight,
  nudged,
  toPicture,
  zoomed,
  type Grip,
  type View,
} from './box-geometry.ts';

/** A box that is being changed and was not sent yet. */
export interface Draft {
  readonly index: number;
  readonly box: BoxNatural;
}

export interface StageProps {
  readonly url: string | null;
  readonly missing: string | null;
  /** Its place in the row, from 0. */
  readonly image: number;
  readonly size: Size | null;
  readonly onSize: (size: Size) => void;
  readonly boxes: readonly GroundedBox[];
  /** By its place among the row's boxes. */
  readonly chosen: number | null;
  readonly onChoose: (index: number | null) => void;
  readonly draft: Draft | null;
  readonly onDraft: (draft: Draft) => void;
  /** The draft is done. */
  readonly onCommit: () => void;
  readonly onAdd: (box: BoxNatural) => void;
  readonly onDelete: (index: number) => void;
  readonly onPicture: (by: number) => void;
}

type Held =
  | { readonly kind: 'box'; readonly index: number; readonly grip: Grip; readonly box: BoxNatural }
  | { readonly kind: 'draw' }
  | { readonly kind: 'pan'; readonly view: View };

/** Side of a handle, and what the pointer may miss it by, CSS pixels. */
const HANDLE = 9;
const ZOOM_STEP = 1.5;

export function Stage(props: StageProps) {
  const { url, missing, image, size, onSize, boxes, chosen, onChoose, draft, onDraft, onCommit, onAdd } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Size | null>(null);
  const [view, setView] = useState<View | null>(null);
  const held = useRef<{ readonly what: Held; readonly from: readonly [number, number] } | null>(null);
  const [drawing, setDrawing] = useState<BoxNatural | null>(null);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setRoom({ width, height });
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => setView(null), [url]);
  const shown = size && room ? (view ?? fitted(size, room)) : null;

  const zoom = (by: number, at?: readonly [number, number]) => {
    if (!shown || !size || !room) return;
    setView(zoomed(shown, by, at ?? [room.width / 2, room.height / 2], size, room));
  };
  // React listens to wheels passively, and the page must not scroll under a zoom.
  useEffect(() => {
    const element = frame.current!;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 300), [event.clientX - left, event.clientY - top]);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });

  const boxOf = (index: number): BoxNatural =>
    draft?.index === index ? draft.box : toNatural(boxes[index]!.box, size!);
  const here = boxes.flatMap((box, index) => (box.image === image ? [index] : []));
  const pointOf = (event: PointerEvent): [number, number] => {
    const { left, top } = frame.current!.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  const onPointerDown = (event: PointerEvent) => {
    if (!shown || !size || event.button === 2) return;
    const target = event.target as SVGElement;
    const from = pointOf(event);
    const { box, grip } = target.dataset ?? {};
    const index = box === undefined ? null : Number(box);
    let what: Held = { kind: 'draw' };
    if (event.button === 1) what = { kind: 'pan', view: shown };
    else if (index !== null && !event.altKey) {
      onChoose(index);
      what = { kind: 'box', index, grip: (grip ?? 'move') as Grip, box: boxOf(index) };
    } else onChoose(null);
    held.current = { what, from };
    frame.current!.setPointerCapture(event.pointerId);
    frame.current!.focus();
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!held.current || !shown || !size) return;
    const { what, from } = held.current;
    const at = pointOf(event);
    const [dx, dy] = [at[0] - from[0], at[1] - from[1]];
    if (what.kind === 'pan') setView({ ...what.view, x: what.view.x + dx, y: what.view.y + dy });
    else if (what.kind === 'draw') setDrawing(drawn(toPicture(shown, from), toPicture(shown, at), size));
    else if (dx !== 0 || dy !== 0)
      onDraft({ index: what.index, box: dragged(what.box, what.grip, dx / shown.scale, dy / shown.scale, size) });
  };
  const onPointerUp = () => {
    const what = held.current?.what;
    held.current = null;
    if (what?.kind === 'box') onCommit();
    if (what?.kind === 'draw' && drawing) onAdd(drawing);
    setDrawing(null);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!shown || !size || !room) return;
    const pan: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [40, 0],
      ArrowRight: [-40, 0],
      ArrowUp: [0, 40],
      ArrowDown: [0, -40],
    };
    const moved = chosen !== null && boxes[chosen]?.image === image ? nudged(boxOf(chosen), event, size) : null;
    if (moved) onDraft({ index: chosen!, box: moved });
    else if (pan[event.key]) setView({ ...shown, x: shown.x + pan[event.key]![0], y: shown.y + pan[event.key]![1] });
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === 'n') onAdd(centred(inSight(shown, size, room), size));
    else if (event.key === 'b' || event.key === 'B') {
      if (here.length === 0) return;
      const at = chosen === null ? -1 : here.indexOf(chosen);
      const next = event.shiftKey ? at - 1 : at + 1;
      onChoose(here[(next + here.length) % here.length]!);
    } else if ((event.key === 'Delete' || event.key === 'Backspace') && chosen !== null) props.onDelete(chosen);
    else if (event.key === 'Escape' && chosen !== null) onChoose(null);
    else if (event.key === '+' || event.key === '=') zoom(ZOOM_STEP);
    else if (event.key === '-') zoom(1 / ZOOM_STEP);
    else if (event.key === '0') setView(null);
    else if (event.key === 'PageDown') props.onPicture(1);
    else if (event.key === 'PageUp') props.onPicture(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const style = ROLES.truth;
  const onStage = (box: BoxNatural) => ({
    x: shown!.x + box[0] * shown!.scale,
    y: shown!.y + box[1] * shown!.scale,
    width: (box[2] - box[0]) * shown!.scale,
    height: (box[3] - box[1]) * shown!.scale,
  });
  const area = (index: number) => {
    const [x1, y1, x2, y2] = boxOf(index);
    return (x2 - x1) * (y2 - y1);
  };
  const order = shown ? [...here].sort((a, b) => area(b) - area(a)) : [];
  const chosenHere = chosen !== null && here.includes(chosen) ? chosen : null;
  return (
    <div className="stage-frame">
      <div
        ref={frame}
        className="stage"
        tabIndex={0}
        role="group"
        aria-label={`Image ${image + 1} with ${here.length === 1 ? '1 box' : `${here.length} boxes`}. B chooses a box, arrow keys move it.`}
        aria-describedby="stage-keys"
        data-scale={shown?.scale.toFixed(3)}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onKeyDown={onKeyDown}
        onBlur={() => draft && onCommit()}
      >
        {missing !== null && <p className="picture-missing">Picture missing. {missing}</p>}
        {url !== null && (
          <img
            src={url}
            alt=""
            draggable={false}
            data-pixels={shown !== null && shown.scale >= 3}
            style={
              shown && size
                ? {
                    width: size.width,
                    height: size.height,
                    transform: `translate(${shown.x}px, ${shown.y}px) scale(${shown.scale})`,
                  }
                : { visibility: 'hidden' }
            }
            onLoad={({ currentTarget }) =>
              onSize({ width: currentTarget.naturalWidth || 1, height: currentTarget.naturalHeight || 1 })
            }
          />
        )}
        {shown && (
          <svg aria-hidden="true" width="100%" height="100%">
            {order.map((index) => {
              const rect = onStage(boxOf(index));
              return (
                <g key={index}>
                  <rect {...rect} fill="none" stroke="var(--casing)" strokeWidth={style.width + 2} />
                  <rect
                    {...rect}
                    className="stage-box"
                    data-box={index}
                    fill="transparent"
                    stroke={style.color}
                    strokeWidth={index === chosen ? style.width + 1 : style.width}
                  />
                </g>
              );
            })}
            {chosenHere !== null &&
              GRIPS.map((grip) => {
                const { x, y, width, height } = onStage(boxOf(chosenHere));
                const cx = x + (grip.includes('w') ? 0 : grip.includes('e') ? width : width / 2);
                const cy = y + (grip.includes('n') ? 0 : grip.includes('s') ? height : height / 2);
                return (
                  <rect
                    key={grip}
                    className="stage-grip"
                    data-box={chosenHere}
                    data-grip={grip}
                    x={cx - HANDLE / 2}
                    y={cy - HANDLE / 2}
                    width={HANDLE}
                    height={HANDLE}
                  />
                );
              })}
            {drawing && (
              <rect
                {...onStage(drawing)}
                fill="none"
                stroke={style.color}
                strokeWidth={style.width}
                strokeDasharray="5 3"
              />
            )}
          </svg>
        )}
      </div>
      <div className="stage-tools">
        <div className="button-row">
          <button
            type="button"
            className="button small"
            aria-keyshortcuts="n"
            disabled={!shown}
            onClick={() => shown && size && room && onAdd(centred(inSight(shown, size, room), size))}
          >
            <Icon name="plus" /> Add box <kbd>N</kbd>
          </button>
          <button
            type="button"
            className="button small"
            aria-label="Zoom in"
            aria-keyshortcuts="+"
            onClick={() => zoom(ZOOM_STEP)}
          >
            +
          </button>
          <button
            type="button"
            className="button small"
            aria-label="Zoom out"
            aria-keyshortcuts="-"
            onClick={() => zoom(1 / ZOOM_STEP)}
          >
            −
          </button>
          <button type="button" className="button small" aria-keyshortcuts="0" onClick={() => setView(null)}>
            Whole picture <kbd>0</kbd>
          </button>
          <span className="num muted">
            {size && `${size.width}×${size.height}`}
            {shown && `, ${Math.round(shown.scale * 100)}%`}
          </span>
        </div>
        <p id="stage-keys" className="muted stage-keys">
          Drag to draw a box; with Alt also over another. <kbd>B</kbd> next box, arrows move it, <kbd>Ctrl</kbd> arrows
          its lower right corner, <kbd>Alt</kbd> arrows its upper left, <kbd>Shift</kbd> ten pixels, <kbd>Del</kbd>{' '}
          deletes.
        </p>
      </div>
    </div>
  );
}
