/** Says now and then that a command still works while it has nothing else to say, so that waiting is not taken for hanging. */

const EVERY_S = 15;

export interface SignsOfLife {
  /** Something was said: the next sign is due later. */
  seen(): void;
  stop(): void;
}

/** @param say is given the seconds since something was said */
export function signsOfLife(say: (seconds: number) => void): SignsOfLife {
  let quiet = 0;
  const timer = setInterval(() => say((quiet += EVERY_S)), EVERY_S * 1000);
  // It keeps no process alive that has ended its work.
  timer.unref?.();
  return {
    seen: () => {
      quiet = 0;
      timer.refresh?.();
    },
    stop: () => clearInterval(timer),
  };
}
