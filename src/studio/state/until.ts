/** Waiting for what a store will say. */

interface Told {
  subscribe(listener: () => void): () => void;
}

/** Settles as soon as it is so: now, or after a change of one of the stores. */
export function until(isSo: () => boolean, ...stores: readonly Told[]): Promise<void> {
  return new Promise((resolve) => {
    if (isSo()) return resolve();
    const look = () => {
      if (!isSo()) return;
      for (const stop of stops) stop();
      resolve();
    };
    const stops = stores.map((store) => store.subscribe(look));
  });
}
