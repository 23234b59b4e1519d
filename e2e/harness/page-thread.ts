/**
 * What the page's own thread does while a run trains, in processor time and in wall time: `npx tsx
 * e2e/harness/page-thread.ts [SECONDS]`. On a software adapter the driver takes every core, so a task's wall time is
 * mostly waiting for its turn; its processor time is what the page itself costs.
 */
import { grpoStage, mergeStage, sftStage } from '../../src/engine/presets.ts';
import { openProduct } from './product.ts';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  /** Wall time and processor time, microseconds. */
  dur?: number;
  tdur?: number;
  args?: { name?: string; data?: { functionName?: string; url?: string; lineNumber?: number; type?: string } };
}

const seconds = Number(process.argv[2] ?? 90);
const plan = {
  name: 'Page thread',
  seed: 3,
  stages: [
    sftStage({ name: 'Cold start', maxSteps: 12, perDeviceTrainBatchSize: 2 }),
    mergeStage(),
    grpoStage({ maxSteps: 50, promptsPerStep: 1 }),
  ],
};

const product = await openProduct(4542);
try {
  await product.addSample();
  await product.loadStarter();
  await product.choosePlan(plan);
  await product.browser.startTracing(product.page, {
    categories: ['toplevel', 'devtools.timeline', '__metadata', 'disabled-by-default-devtools.timeline'],
  });
  await product.start();
  await product.page.waitForTimeout(seconds * 1000);
  const { traceEvents } = JSON.parse(String(await product.browser.stopTracing())) as { traceEvents: TraceEvent[] };
  report(traceEvents);
} finally {
  await product.close();
}

function report(events: readonly TraceEvent[]): void {
  const main = new Set(
    events
      .filter((event) => event.name === 'thread_name' && event.args?.name === 'CrRendererMain')
      .map((event) => `${event.pid}/${event.tid}`),
  );
  const own = events.filter((event) => event.ph === 'X' && main.has(`${event.pid}/${event.tid}`));
  const tasks = own.filter((event) => event.name === 'RunTask');
  const ms = (microseconds = 0): string => `${(microseconds / 1000).toFixed(1)} ms`;
  const total = tasks.reduce((sum, task) => sum + (task.tdur ?? 0), 0);
  console.log(`${tasks.length} tasks in ${seconds} s, ${ms(total)} of processor time`);
  for (const [what, key] of [
    ['processor time', 'tdur'],
    ['wall time', 'dur'],
  ] as const) {
    console.log(`longest by ${what}:`);
    for (const task of tasks.toSorted((a, b) => (b[key] ?? 0) - (a[key] ?? 0)).slice(0, 8)) {
      const inside = own
        .filter((event) => event !== task && event.ts >= task.ts && event.ts < task.ts + (task.dur ?? 0))
        .filter(
          (event) =>
            event.tid === task.tid && event.pid === task.pid && !/RunTask|ThreadControllerImpl/.test(event.name),
        )
        .toSorted((a, b) => (b.dur ?? 0) - (a.dur ?? 0))
        .slice(0, 5)
        .map(
          (event) => `${event.name} ${event.args?.data?.functionName ?? event.args?.data?.type ?? ''} ${ms(event.dur)}`,
        );
      console.log(`  ${ms(task.tdur)} of processor, ${ms(task.dur)} of wall time: ${inside.join('; ')}`);
    }
  }
}
