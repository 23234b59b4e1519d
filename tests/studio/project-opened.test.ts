import { expect, test } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { projectOpened, type Keeping } from '../../src/studio/state/kept.ts';

test('edits are looked for in the project that is being opened, not in none', async () => {
  const keeping = createStore(() => ({ current: null, busy: true }) as unknown as Keeping);
  const opened = projectOpened(keeping);
  keeping.setState({ current: 'mine' });
  expect(await opened).toBe('mine');
  keeping.setState({ current: null, busy: false });
  expect(await projectOpened(keeping)).toBeNull();
});
