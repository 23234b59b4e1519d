/** The answer of another set to a row, asked for when the row is in sight. */
import { useEffect, useState } from 'react';
import type { SetAnswer } from '../../../engine/protocol/index.ts';
import { useKeeping, useScores, useStudio } from '../../state/studio.ts';

export interface LayerAnswer {
  /** Whose answers are the layer; null: none is. */
  readonly name: string | null;
  readonly answer: SetAnswer | null;
}

export function useLayerAnswer(dataset: string, rowId: string): LayerAnswer {
  const { client, project: open } = useStudio();
  const set = useScores(({ sets, layer }) => sets.find(({ id }) => id === layer) ?? null);
  const project = useKeeping((keeping) => keeping.current);
  const [found, setFound] = useState<{ readonly key: string; readonly answer: SetAnswer | null } | null>(null);
  const key = set ? `${dataset}\n${set.id}\n${rowId}` : '';
  useEffect(() => {
    if (!set) return;
    let live = true;
    const ask = async () => {
      const request = { type: 'set-answers', dataset, project, set: set.id, rowIds: [rowId] } as const;
      const [answer = null] = await client.request(request);
      if (live) setFound({ key, answer });
    };
    void open.getState().attempt('layer', ask);
    return () => void (live = false);
  }, [client, open, dataset, project, set, rowId, key]);
  return { name: set?.name ?? null, answer: found?.key === key ? found.answer : null };
}
