/** Work that a store does: it is busy until the last has ended, and says what went wrong. */

interface Told {
  busy(busy: boolean): void;
  failed(error: unknown): void;
}

/** Runs work, beside other work of the same store. Never rejects. */
export function busyWork({ busy, failed }: Told): (work: () => Promise<void>) => Promise<void> {
  let under = 0;
  return async (work) => {
    if (under++ === 0) busy(true);
    try {
      await work();
    } catch (error) {
      failed(error);
    }
    if (--under === 0) busy(false);
  };
}
