/** Coordinate heat: which digits of the right box a policy would not have written, drawn on the edges they move. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { BoxHeat, CoordinateHeat, DigitHeat, PolicyName, Row } from '../../../engine/protocol/index.ts';
import { HEAT, heatStep } from '../../boxes/heat.ts';
import { ROLES, type Layer } from '../../boxes/roles.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useStudio } from '../../state/studio.ts';
import { percent, value } from '../../ui/format.ts';
import { Choice } from '../../ui/choice.tsx';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';

export interface Heat {
  readonly shown: CoordinateHeat | null;
  readonly problem: Problem | null;
  readonly asking: boolean;
  ask(policy: PolicyName): void;
  hide(): void;
  /** Shows the tuned policy's, or hides what is shown. */
  toggle(): void;
}

/** @param tuned changes when the tuned policy does, whose heat is then out of date */
export function useHeat(dataset: string, row: Row, tuned: unknown): Heat {
  const { client } = useStudio();
  const [state, setState] = useState<CoordinateHeat | Problem | 'asking' | null>(null);
  // A reply to what is no longer asked is dropped.
  const round = useRef(0);
  useEffect(() => {
    round.current++;
    setState(null);
  }, [dataset, row.id, tuned]);
  return useMemo(() => {
    const ask = (policy: PolicyName) => {
      setState('asking');
      const mine = ++round.current;
      const of = (next: CoordinateHeat | Problem) => mine === round.current && setState(next);
      client
        .request({ type: 'coordinate-heat', dataset, rowId: row.id, policy })
        .then(of, (error: unknown) => of(problemOf(error)));
    };
    const hide = () => setState(null);
    const shown = state !== null && state !== 'asking' && 'boxes' in state ? state : null;
    return {
      shown,
      problem: state !== null && state !== 'asking' && 'code' in state ? state : null,
      asking: state === 'asking',
      ask,
      hide,
      toggle: () => (shown ? hide() : ask('tuned')),
    };
  }, [client, dataset, row.id, state]);
}

/** The heat as a layer over the pictures, in place of the ground truth. */
export const heatLayer = ({ boxes }: CoordinateHeat): Layer => ({
  role: 'truth',
  boxes: boxes.map(({ image, box }) => ({ image, box })),
  edges: boxes.map(({ edges }) => edges.map((digits) => digits.map(({ loss }) => heatStep(loss).color))),
});

export function HeatView({ heat, can }: { readonly heat: Heat; readonly can: boolean }) {
  const { shown, problem, asking, ask, hide, toggle } = heat;
  return (
    <section className="coordinate-heat" aria-label="Coordinate heat">
      <div className="button-row">
        <button
          type="button"
          className="button small"
          aria-expanded={shown !== null}
          aria-keyshortcuts="h"
          disabled={!can || asking}
          onClick={toggle}
        >
          <Icon name="inspect" /> {asking ? 'Reading…' : 'Coordinate heat'} <kbd>H</kbd>
        </button>
        {shown && (
          <Choice
            label="Policy of the heat"
            choices={(['base', 'tuned'] as const).map((key) => ({ key, title: ROLES[key].name }))}
            selected={shown.policy}
            onSelect={ask}
          />
        )}
      </div>
      {problem && <ProblemNote problem={problem} onDismiss={hide} />}
      {shown && <Digits heat={shown} />}
    </section>
  );
}

const EDGES = ['Left, x1', 'Upper, y1', 'Right, x2', 'Lower, y2'];

function Digits({ heat }: { readonly heat: CoordinateHeat }) {
  return (
    <>
      <p className="muted">
        Each edge of the true box has as many parts as its number has digits, the first at the top or the left. The
        darker a part, the less likely this policy was to write that digit after the text before it.
      </p>
      <ul className="legend" aria-label="Colours of the heat">
        {HEAT.map(({ color, words }) => (
          <li key={color}>
            <i className="heat-swatch" style={{ background: color }} /> {words}
          </li>
        ))}
      </ul>
      {heat.boxes.map((box, i) => (
        <BoxTable key={i} box={box} />
      ))}
    </>
  );
}

function BoxTable({ box }: { readonly box: BoxHeat }) {
  if (box.edges.length === 0)
    return <p className="muted">The numbers of this box could not be found in the row’s answer.</p>;
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label="Loss of each digit">
      <table>
        <TableHead columns={[`Edge in image ${box.image + 1}`, 'Digits, each with its probability', 'Loss, nats']} />
        <tbody>
          {box.edges.map((digits, i) => (
            <tr key={i}>
              <th scope="row">{EDGES[i]}</th>
              <td className="num heat-digits">
                {digits.map((digit, d) => (
                  <Digit key={d} digit={digit} />
                ))}
              </td>
              <td className="num">{value(digits.reduce((sum, { loss }) => sum + loss, 0))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Digit({ digit: { text, loss } }: { readonly digit: DigitHeat }) {
  return (
    <span title={`${value(loss)} nats, ${heatStep(loss).words}`}>
      <i className="heat-swatch" style={{ background: heatStep(loss).color }} />
      <b>{text}</b> <span className="muted">{percent(Math.exp(-loss))}</span>
    </span>
  );
}
