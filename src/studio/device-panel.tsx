/** The device, how its kernels are tuned, and their proof: one click runs small cases of every op against f64 on this very adapter. */
import { useRef, useState } from 'react';
import type { SelfProof } from '../engine/protocol/index.ts';
import { TuningPanel } from './tuning-panel.tsx';
import { problemOf, type Problem } from './problem.ts';
import { useProject, useStudio } from './state/studio.ts';
import { bytes } from './ui/format.ts';
import { Icon } from './ui/icon.tsx';
import { ProblemNote } from './ui/problem-note.tsx';
import { Progress } from './ui/progress.tsx';
import { TableHead } from './ui/table-head.tsx';

export function DevicePanel() {
  const device = useProject((project) => project.device);
  const dialog = useRef<HTMLDialogElement>(null);
  const name = device ? (device.software ? `${device.name} (software, slow)` : device.name) : 'Looking for a device…';
  if (!device) return <p className="rail-device">{name}</p>;
  return (
    <>
      <button
        type="button"
        className="rail-device"
        aria-haspopup="dialog"
        title={`${device.name}, ${device.vendor}. Prove its kernels`}
        onClick={() => dialog.current?.showModal()}
      >
        <i data-software={device.software} />
        <span>{name}</span>
      </button>
      <dialog ref={dialog} className="dialog" aria-labelledby="device-title">
        <header>
          <h2 id="device-title">{device.name}</h2>
          <button type="button" className="button icon-only" aria-label="Close" onClick={() => dialog.current?.close()}>
            <Icon name="close" />
          </button>
        </header>
        <p className="muted">
          {device.software ? 'A software device: the processor does the work.' : `Hardware by ${device.vendor}.`} Half
          precision {device.features.f16 ? 'yes' : 'no'}, subgroups {device.features.subgroups ? 'yes' : 'no'}, largest
          binding {bytes(device.maxBindingBytes)}.
        </p>
        <TuningPanel device={device} />
        <Proof />
      </dialog>
    </>
  );
}

function Proof() {
  const { client } = useStudio();
  const [proof, setProof] = useState<SelfProof | Problem | 'running' | null>(null);
  const prove = () => {
    setProof('running');
    client.request({ type: 'self-proof' }).then(setProof, (error: unknown) => setProof(problemOf(error)));
  };
  return (
    <>
      <h3>Does it compute correctly?</h3>
      <p>
        Graphics drivers compile our kernels, and compilers have bugs. This test runs small cases of every kernel,
        forward and backward, and compares the results with the same formulas in double precision. It takes a few
        seconds. An active run waits for it between two steps.
      </p>
      <p>
        <button type="button" className="button primary" disabled={proof === 'running'} onClick={prove}>
          <Icon name="check" /> Prove the kernels
        </button>
      </p>
      <div role="status" aria-live="polite">
        {proof === 'running' && <Progress label="Comparing kernels" done={0} total={0} />}
        {proof !== null &&
          proof !== 'running' &&
          ('code' in proof ? <ProblemNote problem={proof} /> : <Table proof={proof} />)}
      </div>
    </>
  );
}

function Table({ proof: { rows, adapter } }: { readonly proof: SelfProof }) {
  const failed = rows.filter(({ passed }) => !passed).length;
  return (
    <>
      <p className={failed > 0 ? 'alarm' : undefined}>
        <b>
          {failed === 0
            ? `All ${rows.length} agree on ${adapter}.`
            : `${failed} of ${rows.length} do not agree on ${adapter}.`}
        </b>{' '}
        {failed > 0 && 'Do not trust a run on this device. Update the graphics driver or the browser, then try again.'}
      </p>
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Kernels against double precision">
        <table>
          <TableHead columns={['Op', 'Compared', 'Largest relative error', 'Allowed', 'Result']} />
          <tbody>
            {rows.map(({ op, what, error, tolerance, passed }) => (
              <tr key={op}>
                <th scope="row">{op}</th>
                <td className="muted">{what}</td>
                <td className="num">{Number.isFinite(error) ? error.toExponential(1) : 'not a number'}</td>
                <td className="num">{tolerance.toExponential(0)}</td>
                <td>
                  <span className="severity" data-severity={passed ? 'good' : 'error'}>
                    {passed ? 'pass' : 'fail'}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
