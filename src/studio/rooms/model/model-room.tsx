/** Model: what is loaded, how to load another, and the device it will run on. */
import type { DeviceReport, ModelReport } from '../../../engine/protocol/index.ts';
import { useProject, useRun } from '../../state/studio.ts';
import { isActive } from '../../state/run.ts';
import { DropTarget } from '../../drop-target.tsx';
import { bytes, compact, count } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { CachedModels } from './cached-models.tsx';
import { HubForm } from './hub-form.tsx';
import { AdaptersPanel } from './adapters-panel.tsx';
import { MemoryPanel } from './memory-panel.tsx';
import { heldAs, Lost, StorageChooser } from './storage-choice.tsx';
import './model.css';

export function ModelRoom() {
  const model = useProject((project) => project.model);
  const device = useProject((project) => project.device);
  const loading = useProject((project) => project.loading !== null);
  const active = useRun((run) => isActive(run.state));
  const busy = loading || active;
  return (
    <div className="room room-model">
      <RoomHead title="Model" lede="The model to train, and the device it is trained on." />
      <div className="model-grid">
        {model && <Loaded model={model} />}
        {model && device && <Device device={device} model={model} />}
        <LoadModel busy={busy} active={active} />
        {device?.software && <SoftwareNote />}
        <CachedModels busy={busy} />
        {!model && device && <Device device={device} model={model} />}
        <AdaptersPanel />
        <MemoryPanel />
      </div>
    </div>
  );
}

export function SoftwareNote() {
  return (
    <p className="note note-info">
      <Icon name="info" />
      <span>
        <b>This is a software device: the processor emulates a graphics card.</b> Everything works and gives the same
        results, but expect it to be tens to hundreds of times slower. The starter with a short recipe is fine. For
        more, open this page on a machine with a graphics card.
      </span>
    </p>
  );
}

/** Ways to load one. Without a model this is the thing to do, and stands first. */
function LoadModel({ busy, active }: { readonly busy: boolean; readonly active: boolean }) {
  const model = useProject((project) => project.model);
  const loadStarter = useProject((project) => project.loadStarter);
  const openModel = useProject((project) => project.openModel);
  return (
    <section className="card model-load">
      <h2>{model ? 'Load another' : 'Load a model'}</h2>
      {active && <p className="muted">A run is active. Stop it first.</p>}
      <div className="model-ways">
        <div>
          <h3>The starter</h3>
          <p>
            A small vision-language model that comes with this page. It knows the sample's scenes a little and learns
            them in minutes.
          </p>
          <button
            type="button"
            className={model ? 'button' : 'button primary'}
            disabled={busy}
            onClick={() => void loadStarter()}
          >
            <Icon name="model" /> Load the starter
          </button>
        </div>
        <div>
          <h3>A local folder</h3>
          <p>
            A Hugging Face checkpoint: <code>config.json</code>, <code>*.safetensors</code>, the tokenizer and the
            processor's files.
          </p>
          <DropTarget
            label="Drop a model folder"
            pick={['folder']}
            className="drop drop-flat"
            inPlace
            onIntake={(intake) => void openModel(intake)}
          />
        </div>
        <div>
          <h3>From a Hub</h3>
          <p>
            Qwen2-VL, Qwen2.5-VL, Qwen3-VL, SmolVLM and Idefics3, by the model’s id. Its files are downloaded into this
            browser’s storage. Nothing of yours is uploaded.
          </p>
          <HubForm busy={busy} />
        </div>
      </div>
      <StorageChooser />
    </section>
  );
}

function Loaded({ model }: { readonly model: ModelReport }) {
  return (
    <section className="card brackets" aria-label="Loaded model">
      <p className="eyebrow">Loaded</p>
      <h2>{model.name}</h2>
      <dl className="sheet">
        <Line name="Family" value={model.modelType} />
        <Line name="Parameters" value={`${compact(model.parameters)} (${count(model.parameters)})`} />
        <Line name="Weights on the device" value={`${bytes(model.weightBytes)}, ${heldAs(model.storage)}`} />
        <Line name="Layers" value={count(model.layers)} />
        <Line name="Hidden size" value={count(model.hiddenSize)} />
        <Line name="Vocabulary" value={count(model.vocabSize)} />
      </dl>
      <Lost report={model} />
      <h3>How it writes boxes</h3>
      <p>{model.boxConvention}</p>
      {model.notes.length > 0 && (
        <>
          <h3>What was skipped or assumed</h3>
          <ul>
            {model.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Device({ device, model }: { readonly device: DeviceReport; readonly model: ModelReport | null }) {
  const { f16, subgroups, timestamps } = device.features;
  return (
    <section className="card" aria-label="Device">
      <p className="eyebrow">Device</p>
      <h2>{device.name}</h2>
      <dl className="sheet">
        <Line name="Vendor" value={device.vendor || 'unknown'} />
        <Line name="Kind" value={device.software ? 'Software: the processor does the work' : 'Hardware'} />
        <Line name="Largest binding" value={bytes(device.maxBindingBytes)} />
        {model && (
          <Line
            name="Weights against it"
            value={
              model.weightBytes <= device.maxBindingBytes
                ? 'fit in one binding'
                : `split into ${Math.ceil(model.weightBytes / device.maxBindingBytes)} or more`
            }
          />
        )}
      </dl>
      <h3>Features</h3>
      <ul className="features">
        <Feature has={f16} name="Half precision" without="16-bit weights are unpacked in the kernel, a little slower" />
        <Feature has={subgroups} name="Subgroups" without="sums go through shared memory" />
        <Feature has={timestamps} name="Timestamps" without="no times per kernel" />
      </ul>
    </section>
  );
}

function Feature({ has, name, without }: { readonly has: boolean; readonly name: string; readonly without: string }) {
  return (
    <li data-has={has}>
      <Icon name={has ? 'check' : 'close'} />
      {name}
      {!has && <span className="muted"> missing: {without}</span>}
    </li>
  );
}

function Line({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="num">{value}</dd>
    </div>
  );
}
