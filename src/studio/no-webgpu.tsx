/** Shown where the studio cannot work: why, and what to do about it. Never a blank page. */
import { Mark } from './ui/mark.tsx';

type Reason = 'missing' | 'insecure' | 'no-adapter';

const WHY: Record<Reason, { title: string; text: string }> = {
  missing: {
    title: 'This browser has no WebGPU',
    text: 'Groundwork trains on your own graphics card, which it uses through WebGPU. This browser, or this version of it, has no WebGPU.',
  },
  insecure: {
    title: 'This address is not secure',
    text: 'Browsers offer WebGPU only to pages from https or localhost. This page was loaded over plain http.',
  },
  'no-adapter': {
    title: 'No graphics adapter was found',
    text: 'This browser has WebGPU but offers no graphics adapter. The browser may block the graphics driver, hardware acceleration may be off, or the machine may have no graphics card.',
  },
};

interface NoWebgpuProps {
  readonly reason: Reason;
  readonly detail?: string;
  /** Shows the recorded run. */
  readonly onRecorded: () => void;
}

export function NoWebgpu({ reason, detail, onRecorded }: NoWebgpuProps) {
  const { title, text } = WHY[reason];
  return (
    <main className="explain">
      <p className="explain-brand">
        <Mark /> Groundwork
      </p>
      <h1>{title}</h1>
      <p className="explain-lede">{text}</p>
      {detail && <p className="num explain-detail">{detail}</p>}
      <h2>What to do</h2>
      <ul>
        {reason === 'insecure' && (
          <li>
            Open the same page with <b>https://</b>, or run it on your own machine and open <b>http://localhost</b>.
          </li>
        )}
        <li>
          <b>Chrome or Edge</b> 134 or newer: Groundwork is tested with these. On Linux you may have to switch WebGPU on
          first, at <code>chrome://flags/#enable-unsafe-webgpu</code>. Then restart the browser.
        </li>
        <li>
          <b>Safari</b> 26 and <b>Firefox</b> 141 (Windows) or 145 (Apple silicon) offer WebGPU too. Groundwork is not
          tested there yet.
        </li>
        <li>
          Check that hardware acceleration is on in the browser's settings; <code>chrome://gpu</code> says what the
          browser found.
        </li>
      </ul>
      <p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          Check again
        </button>
      </p>
      <h2>What it looks like</h2>
      <p>
        This is a recorded run of the starter model on the sample dataset: its curves, its boxes as they improve, and
        its completions with their rewards. Nothing is trained.
      </p>
      <p>
        <button type="button" className="button" onClick={onRecorded}>
          Look at the recorded run
        </button>
      </p>
      <h2>What is safe</h2>
      <p>
        Nothing was loaded, sent or stored. Groundwork never sends your pictures anywhere. Everything happens on this
        machine, so it needs this machine's graphics card.
      </p>
    </main>
  );
}
