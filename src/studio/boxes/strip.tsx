/** Every picture of a sample side by side, with the same layers over all of them. */
import { useEffect, useRef, useState } from 'react';
import type { Size } from '../../grounding/box.ts';
import { Picture } from './picture.tsx';
import { ROLES, type Layer, type Role } from './roles.ts';

interface StripProps {
  readonly dataset: string;
  readonly images: readonly string[];
  readonly layers: readonly Layer[];
  /** Tallest, in CSS pixels, or a share of the window below 1; less if all pictures then fit side by side. */
  readonly height: number;
  readonly label: string;
  readonly caption?: boolean;
  /** Pictures drawn in these proportions, as the model sees them after resizing. */
  readonly seenAs?: readonly Size[] | undefined;
}

/** Least height to which a strip shrinks, in CSS pixels, before what does not fit goes below. */
const LEAST = 72;

const tallest = (height: number) => (height < 1 ? Math.max(180, Math.round(innerHeight * height)) : height);

/** Width over height as drawn; a picture that is not decoded yet counts as a square. */
function aspectOf(figure: Element | undefined, seen: Size | undefined): number {
  if (seen) return seen.width / seen.height;
  const image = figure?.querySelector('img');
  return image && image.naturalWidth > 0 ? image.naturalWidth / image.naturalHeight : 1;
}

export function Strip({ dataset, images, layers, height, label, caption, seenAs }: StripProps) {
  const element = useRef<HTMLDivElement>(null);
  const [fitted, setFitted] = useState(() => ({ height: tallest(height), room: Infinity }));
  useEffect(() => {
    const strip = element.current;
    if (!strip) return;
    const fit = () => {
      // Gaps, padding, and half a pixel by which each width may have been rounded up.
      const lost = (images.length - 1) * 10 + 2 + images.length / 2;
      const aspect = images.reduce((sum, _, i) => sum + aspectOf(strip.children[i], seenAs?.[i]), 0);
      const fits = (strip.clientWidth - lost) / Math.max(aspect, 0.1);
      const most = tallest(height);
      const next = {
        height: Math.max(Math.min(LEAST, most), Math.min(most, Math.floor(fits))),
        room: Math.max(1, strip.clientWidth - 2),
      };
      setFitted((now) => (now.height === next.height && now.room === next.room ? now : next));
    };
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(strip);
    strip.addEventListener('load', fit, true);
    addEventListener('resize', fit);
    return () => {
      observer.disconnect();
      strip.removeEventListener('load', fit, true);
      removeEventListener('resize', fit);
    };
  }, [images, height, seenAs]);
  return (
    <div className="strip" ref={element} role="group" aria-label={label}>
      {images.map((path, i) => (
        <Picture
          key={`${i}/${path}`}
          dataset={dataset}
          path={path}
          index={i}
          layers={layers}
          height={fitted.height}
          room={fitted.room}
          caption={caption}
          seenAs={seenAs?.[i]}
        />
      ))}
    </div>
  );
}

/** A colour sample as the boxes are drawn. */
export function Swatch({ role }: { readonly role: Role }) {
  const { color, dash, width } = ROLES[role];
  return (
    <svg className="swatch" width="22" height="12" aria-hidden="true">
      <rect x="2" y="2" width="18" height="8" fill="none" stroke="var(--casing)" strokeWidth={width + 1.5} />
      <rect
        x="2"
        y="2"
        width="18"
        height="8"
        fill="none"
        stroke={color}
        strokeWidth={width}
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  );
}

export function Legend({ roles }: { readonly roles: readonly Role[] }) {
  return (
    <ul className="legend" aria-label="Box colours">
      {roles.map((role) => (
        <li key={role}>
          <Swatch role={role} /> {ROLES[role].name}
        </li>
      ))}
    </ul>
  );
}
