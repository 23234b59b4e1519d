/** Data: drop a dataset, look at its rows, settle its faults. */
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { DatasetReport } from '../../../engine/protocol/index.ts';
import { useProject } from '../../state/studio.ts';
import { DropTarget } from '../../drop-target.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { canCompose, ComposeView } from './compose-view.tsx';
import { ConventionsView, type FileAndWay } from './conventions-view.tsx';
import { EditsView } from './edits-view.tsx';
import { FilesView } from './files-view.tsx';
import { HealthView } from './health-view.tsx';
import { looksLikeModel, type Intake } from './intake-files.ts';
import { KeepingChoice } from './keeping-choice.tsx';
import { IssueTable } from './issue-table.tsx';
import { LedgerView } from './ledger-view.tsx';
import { LongRows } from './long-rows.tsx';
import { NO_FILTER, RowBrowser, type RowFilterState } from './row-browser.tsx';
import { Settle, UnfitRows, useUnfitRows } from './settle.tsx';
import { ThoughtsView } from './thoughts-view.tsx';
import './data.css';

export function DataRoom() {
  const dataset = useProject((project) => project.dataset);
  const [tab, setTab] = useState('rows');
  const [asked, setAsked] = useState<FileAndWay | null>(null);
  // A dataset read in another way is another one to all views, but the user stays where they are.
  return dataset ? (
    <OpenDataset key={dataset.id} {...{ dataset, tab, asked }} onTab={setTab} onAsked={setAsked} />
  ) : (
    <NoDataset />
  );
}

/** @param add adds to the dataset that is open, without a question */
function useIntake(add = false) {
  const openDataset = useProject((project) => (add ? project.addDataset : project.openDataset));
  const openModel = useProject((project) => project.openModel);
  const [, go] = useLocation();
  return (intake: Intake) => {
    if (looksLikeModel(intake)) void openModel(intake).then((done) => done && go('/model'));
    else void openDataset(intake);
  };
}

function NoDataset() {
  const startWithSample = useProject((project) => project.startWithSample);
  const busy = useProject((project) => project.loading !== null);
  const intake = useIntake();
  return (
    <div className="room room-data">
      <RoomHead
        title="Data"
        lede="Each row has pictures, a question, and boxes that answer it. Nothing leaves this machine."
      />
      <DropTarget
        label="Drop a dataset"
        pick={['folder', 'file']}
        inPlace
        onIntake={intake}
        className="drop drop-large brackets"
      >
        <p className="drop-title">Drop a dataset here</p>
        <p>
          A folder, zips, or a JSON, JSONL, CSV or Parquet file with its pictures. LLaVA, ShareGPT, ms-swift, TRL,
          VLM-R1, MGrounding, MIG-Bench, MC-Bench, COCO and RefCOCO rows are recognised.
        </p>
      </DropTarget>
      <KeepingChoice />
      <div className="data-sample">
        <div>
          <h2>No dataset at hand?</h2>
          <p>
            The sample has objects set into photographs, with two to four pictures per question. It comes with a starter
            model that already knows them a little. It shows the whole method in minutes.
          </p>
        </div>
        <button type="button" className="button primary large" disabled={busy} onClick={() => void startWithSample()}>
          <Icon name="play" /> Start with the sample
        </button>
      </div>
    </div>
  );
}

interface OpenDatasetProps {
  readonly dataset: DatasetReport;
  readonly tab: string;
  readonly onTab: (tab: string) => void;
  /** Whose coordinates are shown; null: the first that are asked about. */
  readonly asked: FileAndWay | null;
  readonly onAsked: (of: FileAndWay | null) => void;
}

function OpenDataset({ dataset, tab, onTab, asked, onAsked }: OpenDatasetProps) {
  const [filter, setFilter] = useState<RowFilterState>(NO_FILTER);
  const intake = useIntake();
  const addition = useIntake(true);
  const unfit = useUnfitRows(dataset);
  const issues = dataset.issueCount.errors + dataset.issueCount.warnings;
  const showRows = (only: Partial<RowFilterState>) => {
    setFilter({ ...NO_FILTER, ...only });
    onTab('rows');
  };
  return (
    <div className="room room-data">
      <RoomHead title="Data" lede={`${dataset.name}, read as ${dataset.format}`}>
        <DropTarget
          label="Drop another dataset"
          pick={['folder', 'file']}
          inPlace
          onIntake={intake}
          verb="Open another"
          className="drop-small"
        />
        <DropTarget
          label="Add a dataset"
          pick={['folder', 'file']}
          inPlace
          onIntake={addition}
          verb="Add a"
          className="drop-small"
        />
      </RoomHead>
      <dl className="facts">
        <Fact name="Training rows" value={count(dataset.train)} />
        <Fact name="Held out" value={count(dataset.heldout)} />
        <Fact name="Pictures" value={count(dataset.images)} />
        <Fact name="Tasks" value={count(Object.keys(dataset.tasks).length)} />
        <Fact name="Left out" value={leftOut(dataset)} alarm={dataset.leftOut > 0} />
      </dl>
      {dataset.benchmarks.rows > 0 && (
        <p className="note" role="note" aria-label="Benchmark">
          <Icon name="scores" /> {plural(dataset.benchmarks.rows, 'row')}
          {dataset.benchmarks.titles.length > 0 && ` of ${dataset.benchmarks.titles.join(', ')}`} are a published
          benchmark. They are held out and never trained on. <Link href="/scores">Score a model on them</Link>
        </p>
      )}
      {dataset.questions.length > 0 && (
        <Settle
          dataset={dataset}
          onIssues={() => onTab('issues')}
          onRows={(done) => showRows({ done })}
          onCoordinates={(of) => {
            onAsked(of);
            onTab('coordinates');
          }}
        />
      )}
      {unfit.length > 0 && <UnfitRows dataset={dataset} rows={unfit} />}
      <LongRows dataset={dataset} />
      {dataset.shortfalls.map((shortfall) => (
        <p key={shortfall} className="note">
          <Icon name="alert" /> {shortfall}
        </p>
      ))}
      <Tabs
        label="Views of the dataset"
        selected={tab}
        onSelect={onTab}
        tabs={[
          {
            key: 'rows',
            title: 'Rows',
            body: () => <RowBrowser dataset={dataset} filter={filter} onFilter={setFilter} />,
          },
          {
            key: 'issues',
            title: issues > 0 ? `Issues (${count(issues)})` : 'Issues',
            body: () => <IssueTable dataset={dataset} />,
          },
          {
            key: 'ledger',
            title: dataset.ledger.length > 0 ? `What was done (${dataset.ledger.length})` : 'What was done',
            body: () => <LedgerView dataset={dataset} onRows={(done) => showRows({ done })} />,
          },
          {
            key: 'edits',
            title: dataset.edits?.changes ? `Edits (${count(dataset.edits.changes)})` : 'Edits',
            body: () => <EditsView dataset={dataset} onRows={(edits) => showRows({ edits })} />,
          },
          { key: 'thoughts', title: 'Thoughts', body: () => <ThoughtsView dataset={dataset} /> },
          {
            key: 'health',
            title: 'Health',
            body: () => (
              <HealthView
                dataset={dataset}
                onRows={(finding) => showRows({ finding })}
                onIssues={() => onTab('issues')}
              />
            ),
          },
          {
            key: 'coordinates',
            title: 'Coordinates',
            body: () => <ConventionsView dataset={dataset} shown={asked} onShow={onAsked} />,
          },
          ...(canCompose(dataset)
            ? [{ key: 'compose', title: 'Several pictures', body: () => <ComposeView dataset={dataset} /> }]
            : []),
          { key: 'files', title: 'Format and split', body: () => <FilesView dataset={dataset} /> },
        ]}
      />
    </div>
  );
}

/** Rows that cannot be used, and those that a person left out. */
function leftOut({ leftOut: unusable, edits }: DatasetReport): string {
  const parts = [
    ...(unusable > 0 ? [plural(unusable, 'row')] : []),
    ...(edits?.excluded ? [`${count(edits.excluded)} by you`] : []),
  ];
  return parts.length > 0 ? parts.join(', ') : 'None';
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
