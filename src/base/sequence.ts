/** Work that must not overlap: each begins when the one before has ended, however that ended. */

/** Runs what it is given one after another, in the order in which it was given. */
export function sequence(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine;
    return mine;
  };
}
