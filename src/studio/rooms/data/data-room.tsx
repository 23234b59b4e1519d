/** Data: drop a dataset, look at its rows, settle its faults. */
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { DatasetReport } from '../../../engine/protocol.ts';
import { useProject } from '../../state/studio.ts';
import { DropTarget } from '../../ui/drop-target.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { HealthView } from './health-view.tsx';
import { looksLikeModel, type Intake } from './intake-files.ts';
import { IssueTable } from './issue-table.tsx';
import { RowBrowser } from './row-browser.tsx';
import './data.css';

export function DataRoom() {
  const dataset = useProject((project) => project.dataset);
  return dataset ? <OpenDataset key={dataset.id} dataset={dataset} /> : <NoDataset />;
}

function useIntake() {
  const openDataset = useProject((project) => project.openDataset);
  const loadModel = useProject((project) => project.loadModel);
  const [, go] = useLocation();
  return (intake: Intake) => {
    if (looksLikeModel(intake)) void loadModel(intake.files).then((done) => done && go('/model'));
    else void openDataset(intake.name, intake.files);
  };
}

function NoDataset() {
  const startWithSample = useProject((project) => project.startWithSample);
  const busy = useProject((project) => project.loading !== null);
  const intake = useIntake();
  return (
    <div className="room data-empty">
      <RoomHead
        title="Data"
        lede="Rows of several pictures, a question, and boxes that answer it. Nothing leaves this machine."
      />
      <DropTarget
        label="Drop a dataset"
        pick={['folder', 'file']}
        onIntake={intake}
        className="drop drop-large brackets"
      >
        <p className="drop-title">Drop a dataset here</p>
        <p>
          A folder, a zip, or a JSON or JSONL file with its pictures. LLaVA, ShareGPT, ms-swift, MGrounding, MIG-Bench,
          TRL and EasyR1 rows are recognised.
        </p>
      </DropTarget>
      <div className="data-sample">
        <div>
          <h2>No dataset at hand?</h2>
          <p>
            The sample has objects set into photographs, two to four pictures to a question, and comes with a starter
            model that already reads them a little. It shows the whole road in minutes.
          </p>
        </div>
        <button type="button" className="button primary large" disabled={busy} onClick={() => void startWithSample()}>
          <Icon name="play" /> Start with the sample
        </button>
      </div>
    </div>
  );
}

function OpenDataset({ dataset }: { readonly dataset: DatasetReport }) {
  const [tab, setTab] = useState('rows');
  const intake = useIntake();
  const errors = dataset.issues.filter((issue) => issue.severity === 'error').length;
  return (
    <div className="room data-open">
      <RoomHead title="Data" lede={`${dataset.name}, read as ${dataset.format}`}>
        <DropTarget
          label="Drop another dataset"
          pick={['folder', 'file']}
          onIntake={intake}
          verb="Open another"
          className="drop-small"
        />
      </RoomHead>
      <dl className="facts">
        <Fact name="Training rows" value={count(dataset.train)} />
        <Fact name="Held out" value={count(dataset.heldout)} />
        <Fact name="Pictures" value={count(dataset.images)} />
        <Fact name="Tasks" value={count(Object.keys(dataset.tasks).length)} />
        <Fact name="Left out" value={errors === 0 ? 'None' : plural(errors, 'fault')} alarm={errors > 0} />
      </dl>
      <Tabs
        label="Views of the dataset"
        selected={tab}
        onSelect={setTab}
        tabs={[
          { key: 'rows', title: 'Rows', body: () => <RowBrowser dataset={dataset} /> },
          {
            key: 'issues',
            title: dataset.issues.length > 0 ? `Issues (${count(dataset.issues.length)})` : 'Issues',
            body: () => <IssueTable dataset={dataset} />,
          },
          { key: 'health', title: 'Health', body: () => <HealthView dataset={dataset} /> },
        ]}
      />
    </div>
  );
}

function Fact({
  name,
  value,
  alarm = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly alarm?: boolean;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="num" data-alarm={alarm || undefined}>
        {value}
      </dd>
    </div>
  );
}
