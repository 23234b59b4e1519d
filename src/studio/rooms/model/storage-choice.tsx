/** How weights are held on the device: the choice before a model is loaded, and what it cost afterwards. */
import type { StorageChoice, WeightsReport } from '../../../engine/protocol/index.ts';
import { useProject } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { count } from '../../ui/format.ts';
import { TableHead } from '../../ui/table-head.tsx';
import './storage-choice.css';

const CHOICES: readonly { readonly key: StorageChoice; readonly title: string; readonly words: string }[] = [
  { key: 'auto', title: 'Automatic', words: 'A small model in 32 bits per weight, a larger one in 16 bits.' },
  { key: 'f32', title: '32 bits', words: 'Full precision. Merges are exact.' },
  { key: 'f16', title: '16 bits', words: 'Half the memory, hardly any difference.' },
  {
    key: 'int8',
    title: '8 bits',
    words: 'The language model in 8½ bits per weight, with a scale for every 64 weights.',
  },
  {
    key: 'int4',
    title: '4 bits',
    words: 'The language model in 4½ bits per weight, embedding and head in 8½. Needs the least memory.',
  },
  { key: 'nf4', title: 'NF4', words: 'QLoRA’s format: 4.1 bits per weight. Embedding and head keep 16 bits.' },
];

export const heldAs = (storage: WeightsReport['storage']): string =>
  CHOICES.find(({ key }) => key === storage)!.title.replace('bits', 'bits per weight');

export function StorageChooser() {
  const storage = useProject((project) => project.storage);
  const choose = useProject((project) => project.chooseStorage);
  const { words } = CHOICES.find(({ key }) => key === storage)!;
  return (
    <div className="storage-choice">
      <h3>Hold its weights in</h3>
      <Choice label="Hold its weights in" choices={CHOICES} selected={storage} onSelect={choose} />
      <p className="muted">
        {words} {storage !== 'auto' && 'Adapters always train in 32 bits, and exports start from the original files.'}
      </p>
    </div>
  );
}

const percent = (share: number): string => `${(share * 100).toPrecision(2)} %`;

/** What quantising lost, in all and by tensor. */
export function Lost({ report: { quantised } }: { readonly report: WeightsReport }) {
  if (!quantised) return null;
  return (
    <details className="storage-lost">
      <summary>
        Quantising changed {count(quantised.parameters)} weights by{' '}
        <b className="num">{percent(quantised.relativeRms)}</b>
      </summary>
      <p className="muted">
        The difference between the stored and the original weights, relative to the weights. The largest single
        difference is <span className="num">{quantised.largest.toPrecision(2)}</span>. Adapters learn to compensate for
        it.
      </p>
      <div className="storage-table" role="region" aria-label="Loss by tensor" tabIndex={0}>
        <table>
          <TableHead columns={['Tensor', 'Stored as', 'Lost', 'Largest']} />
          <tbody>
            {quantised.tensors.map(({ name, format, relativeRms, largest }) => (
              <tr key={name}>
                <td>{name.replace(/^model\.(language_model\.|text_model\.)?/, '').replace(/\.weight$/, '')}</td>
                <td>{format}</td>
                <td className="num">{percent(relativeRms)}</td>
                <td className="num">{largest.toPrecision(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
