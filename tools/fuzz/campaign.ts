/**
 * A campaign of many inputs over all readers, which can be ended at any time and goes on where it was. Readers take turns
 * of equal time, so that a slow one does not hold the others up. What was done stands in a file of JSON.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Finding } from './fuzz.ts';
import { fuzz } from './processes.ts';

/** A turn: long beside the time that a process takes to load its readers. */
const TURN_MS = 60_000;

export interface Campaign {
  readonly seed: number;
  /** Of each reader, the number of inputs that it was given. */
  readonly given: Record<string, number>;
  readonly findings: Finding[];
}

export const sumOf = ({ given }: Campaign): number => Object.values(given).reduce((sum, each) => sum + each, 0);

export function readCampaign(path: string, seed: number): Campaign {
  if (!existsSync(path)) return { seed, given: {}, findings: [] };
  const campaign = JSON.parse(readFileSync(path, 'utf8')) as Campaign;
  if (campaign.seed !== seed) throw new Error(`${path} is a campaign of seed ${campaign.seed}, not of ${seed}.`);
  return campaign;
}

/** Gives readers their turns until all were given `total` inputs together. */
export async function goOn(
  path: string,
  campaign: Campaign,
  total: number,
  { names, table, hangsAfterMs, turnMs = TURN_MS }: CampaignOptions,
  say: (words: string) => void,
): Promise<void> {
  while (sumOf(campaign) < total) {
    // Those that had the fewest first.
    for (const reader of names.toSorted((a, b) => (campaign.given[a] ?? 0) - (campaign.given[b] ?? 0))) {
      const from = campaign.given[reader] ?? 0;
      const to = from + total - sumOf(campaign);
      if (to === from) return;
      const span = { reader, seed: campaign.seed, from, to, table, milliseconds: turnMs };
      const next = await fuzz(span, hangsAfterMs, (finding) => {
        campaign.findings.push(finding);
        say(`  seed ${finding.seed} input ${finding.input} of ${reader}: ${finding.what}`);
      });
      campaign.given[reader] = next;
      writeFileSync(`${path}.new`, JSON.stringify(campaign, null, 2));
      renameSync(`${path}.new`, path);
      say(`${reader}: ${next - from} inputs, ${next} in all; ${sumOf(campaign)} of ${total} of all readers`);
    }
  }
}

export interface CampaignOptions {
  readonly names: readonly string[];
  readonly table: string;
  readonly hangsAfterMs: number;
  readonly turnMs?: number;
}
