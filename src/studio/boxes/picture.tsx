/** One picture of a sample with its boxes: an image element below, a canvas above. */
import { useEffect, useRef, useState } from 'react';
import type { Size } from '../../grounding/box.ts';
import { heightStep, type ShownPicture } from '../state/picture-cache.ts';
import { useStudio } from '../state/studio.ts';
import { paintBoxes } from './paint.ts';
import type { Layer } from './roles.ts';

type Loaded = ShownPicture | { readonly missing: string } | null;

/** `height`: CSS pixels. */
function usePicture(dataset: string, path: string, height: number): Loaded {
  const step = heightStep(height * (devicePixelRatio || 1));
  const { pictures } = useStudio();
  const [loaded, setLoaded] = useState<Loaded>(null);
  useEffect(() => {
    let live = true;
    pictures.acquire(dataset, path, step).then(
      (shown) => live && setLoaded(shown),
      (error: Error) => live && setLoaded({ missing: error.message }),
    );
    return () => {
      live = false;
      pictures.release(dataset, path, step);
    };
  }, [pictures, dataset, path, step]);
  return loaded;
}

interface PictureProps {
  readonly dataset: string;
  readonly path: string;
  /** Its place in the sample, from 0. */
  readonly index: number;
  readonly layers: readonly Layer[];
  /** At most, in CSS pixels; less where the picture would be wider than `room`. */
  readonly height: number;
  readonly room?: number | undefined;
  readonly caption?: boolean | undefined;
  /** Drawn in these proportions instead of its own. */
  readonly seenAs?: Size | undefined;
}

export function Picture({
  dataset,
  path,
  index,
  layers,
  height: tallest,
  room = Infinity,
  caption = true,
  seenAs,
}: PictureProps) {
  const loaded = usePicture(dataset, path, tallest);
  const [painted, setPainted] = useState<Size | null>(null);
  // Of the whole picture: what is shown may be smaller.
  const natural = painted && loaded && 'natural' in loaded && loaded.natural.height > 0 ? loaded.natural : painted;
  const [broken, setBroken] = useState(false);
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = seenAs ?? natural;
  const aspect = shown && natural ? shown.width / shown.height : 1;
  const width = Math.max(1, Math.min(Math.round(tallest * aspect), room));
  const height = width < room ? tallest : Math.max(1, Math.round(width / aspect));
  useEffect(() => {
    const element = canvas.current;
    if (!element || !natural) return;
    const draw = () => paintBoxes(element, width, height, index, layers, devicePixelRatio || 1);
    draw();
    // A move to another screen, or zooming, changes the pixel ratio.
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener('change', draw);
    return () => query.removeEventListener('change', draw);
  }, [natural, width, height, index, layers]);
  const missing = broken ? 'It could not be decoded.' : loaded && 'missing' in loaded ? loaded.missing : null;
  const here = layers.reduce((n, layer) => n + layer.boxes.filter((box) => box.image === index).length, 0);
  return (
    <figure className="picture" style={{ width }}>
      <div className="picture-frame" style={{ width, height }}>
        {missing !== null ? (
          <p className="picture-missing">Picture missing. {missing}</p>
        ) : loaded && 'url' in loaded ? (
          <img
            src={loaded.url}
            alt={`Image ${index + 1}, ${here === 1 ? '1 box' : `${here} boxes`}`}
            height={height}
            width={width}
            decoding="async"
            draggable={false}
            onLoad={(event) =>
              setPainted({
                width: event.currentTarget.naturalWidth || 1,
                height: event.currentTarget.naturalHeight || 1,
              })
            }
            onError={() => setBroken(true)}
          />
        ) : null}
        <canvas ref={canvas} aria-hidden="true" data-boxes={here} style={{ width, height }} />
      </div>
      {caption && (
        <figcaption>
          <b>Image {index + 1}</b>
          {natural && shown && (
            <span className="num">
              {shown.width}×{shown.height}
            </span>
          )}
        </figcaption>
      )}
    </figure>
  );
}
